import Files
import FoundationEssentials
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

  /// A tile of the grid: the picture at `location`, which a click shows whole, lines of caption and
  /// scores. If the picture can no longer be read, the tile says so.
  /// - Parameter alternative: What the picture shows, for who does not see it. Nil: its name.
  static func tile(
    _ location: [UInt8], alternative: String? = nil, caption lines: [String], scores: String
  ) -> String {
    let thumbnail = Thumbnail(of: .file(location))
    let alternative = alternative ?? printable(lastComponent(of: location))
    return """
      <figure style="--shape:\(fixed(thumbnail?.shape ?? 4 / 3, 3))">
      <a class="picture" href="\(fileURL(location))">\(image(thumbnail, alternative))</a>
      <figcaption>
      <p class="scores">\(scores)</p>
      \(lines.joined(separator: "\n"))
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

  /// A figure as a number and a bar.
  static func figure(_ figure: RankedFigure) -> String {
    let (name, value) = figure.named
    return """
      <span>\(name) <b>\(percent(value))</b></span>\
      <meter min="0" max="1" value="\(fixed(Double(value), 4))"></meter>
      """
  }

  /// A thumbnail of the picture at `path`, or a note that it can no longer be read.
  static func thumbnail(of path: [UInt8]) -> String { thumbnail(of: .file(path)) }

  /// The same of any picture.
  static func thumbnail(of picture: PictureSource) -> String {
    image(Thumbnail(of: picture), picture.shortName)
  }

  private static func image(_ thumbnail: Thumbnail?, _ alternative: String) -> String {
    guard let thumbnail else {
      return "<span class=\"missing\">This picture can no longer be read.</span>"
    }
    let picture = thumbnail.picture
    return """
      <img alt="\(escaped(alternative))" width="\(picture.width)" height="\(picture.height)" \
      src="data:image/jpeg;base64,\(Data(picture.jpeg(quality: 85)).base64EncodedString())">
      """
  }
}

/// A picture small enough for a page.
private struct Thumbnail {
  /// In pixels: twice the height of a row, to be sharp on high-density screens.
  private static let side = 640
  /// Tiles are neither narrower nor wider than this, width over height.
  private static let shapes = 0.7...2.4

  let picture: Picture

  /// Nil, with a note, if the picture cannot be read.
  init?(of source: PictureSource) {
    do {
      picture = try DecodeCommand.decoder.picture(source, forSide: Self.side).fitted(to: Self.side)
    } catch {
      Console.note("no thumbnail: \(printable("\(error)"))")
      return nil
    }
  }

  /// The shape of its tile, width over height.
  var shape: Double {
    let shape = Double(picture.width) / Double(picture.height)
    return min(max(shape, Self.shapes.lowerBound), Self.shapes.upperBound)
  }
}

extension PictureSource {
  /// What the picture is called, without its folder.
  var shortName: String {
    switch self {
    case .file(let path): printable(lastComponent(of: path))
    case .contents, .decoded, .indexed: name
    }
  }
}
