import Files
import Images
import Retrieval

/// The parts shared by all HTML pages. A page is one self-contained file.
enum HTMLPage {
  /// Everything before the content of the body. The content security policy lets the page load nothing
  /// from outside the file.
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

  /// Everything after the content of the body.
  static let foot = """
    </body>
    </html>

    """

  /// A tile of the grid: the picture at `location`, lines of caption and scores. If the picture can no
  /// longer be read, the tile says so.
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

  /// A path with its folders dimmed, which may wrap after each of them.
  static func path(_ path: String) -> String {
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).map {
      escaped(String($0))
    }
    let name = parts.removeLast()
    return "<p class=\"path\">" + parts.map { "<span>\($0)/</span><wbr>" }.joined() + name + "</p>"
  }

  /// A match probability as a number and a bar.
  static func match(_ probability: Float) -> String {
    """
    <span>match <b>\(percent(probability))</b>\
    <meter min="0" max="1" value="\(fixed(Double(probability), 4))"></meter></span>
    """
  }

  /// A thumbnail of the picture at `path`, or a note that it can no longer be read.
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
      return "<span class=\"missing\">This picture can no longer be read.</span>"
    }
  }

  /// In pixels: twice the width of a tile, to be sharp on high-density screens.
  private static let thumbnailSide = 560
}

extension Picture {
  /// The picture scaled down so that neither side is longer than `side`.
  fileprivate func fitted(to side: Int) -> Picture {
    let longer = max(width, height)
    guard longer > side else { return self }
    func scaled(_ length: Int) -> Int { max(1, (length * side + longer / 2) / longer) }
    return resized(width: scaled(width), height: scaled(height))
  }
}
