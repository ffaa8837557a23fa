import Images
import Retrieval

/// The frame of a page that is one file with everything in it.
enum HTMLPage {
  /// Up to the page's body. The policy forbids the page to load anything: what is not in the file is not
  /// shown.
  static func head(title: String, style: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="generator" content="blip">
    <meta http-equiv="Content-Security-Policy" \
    content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
    <title>\(escaped(title)) – blip</title>
    <style>
    \(style)
    </style>
    </head>
    <body>

    """
  }

  /// Behind all that is shown.
  static let foot = """
    </body>
    </html>

    """

  /// A picture at a place, with what is said of it. One that cannot be read any more gets a tile that
  /// says so.
  static func tile(_ location: [UInt8], caption lines: [String], scores: String) -> String {
    """
    <figure>
    <a class="picture" href="\(fileURL(location))">\(thumbnail(of: location))</a>
    <figcaption>
    \(lines.joined(separator: "\n"))
    <p class="scores">\(scores)</p>
    </figcaption>
    </figure>

    """
  }

  /// A path whose folders are fainter than its name, and that may break after each of them.
  static func path(_ path: String) -> String {
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).map {
      escaped(String($0))
    }
    let name = parts.removeLast()
    return "<p class=\"path\">" + parts.map { "<span>\($0)/</span><wbr>" }.joined() + name + "</p>"
  }

  static func match(_ probability: Float) -> String {
    """
    <span>match <b>\(percent(probability))</b>\
    <meter min="0" max="1" value="\(fixed(Double(probability), 4))"></meter></span>
    """
  }

  /// The picture of a file, small; one that cannot be read any more is said to be so.
  static func thumbnail(of path: [UInt8]) -> String {
    do {
      let picture = try readPicture(at: path, decoder: ImageDecoder(), side: thumbnailSide)
        .fitted(to: thumbnailSide)
      let data = base64(picture.jpeg(quality: 85))
      return """
        <img alt="" width="\(picture.width)" height="\(picture.height)" \
        src="data:image/jpeg;base64,\(data)">
        """
    } catch {
      Console.note("no thumbnail: \(printable("\(error)"))")
      return "<span class=\"missing\">This picture cannot be read any more.</span>"
    }
  }

  /// Twice the width of a tile: sharp on dense screens.
  private static let thumbnailSide = 560
}

extension Picture {
  /// The picture with its longer side shortened to `side` where it is longer.
  fileprivate func fitted(to side: Int) -> Picture {
    let longer = max(width, height)
    guard longer > side else { return self }
    func scaled(_ length: Int) -> Int { max(1, (length * side + longer / 2) / longer) }
    return resized(width: scaled(width), height: scaled(height))
  }
}
