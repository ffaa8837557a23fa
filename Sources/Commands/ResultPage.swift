import Images
import Retrieval

/// The page that `blip search --html` writes: one file with everything in it, thumbnails too.
struct ResultPage {
  enum Query {
    case text(String)
    case picture(String)
  }

  let query: Query
  let metadata: IndexMetadata
  let hits: [PictureHit]

  /// Writes the page picture by picture, so that only one is in memory at a time. A picture that
  /// cannot be read any more gets a tile that says so.
  func write(to path: String) throws {
    var file = try AtomicFile.create(path)
    try file.write(head)
    for (index, hit) in hits.enumerated() {
      try file.write(tile(hit, rank: index + 1))
    }
    try file.write(Self.foot)
    try file.commit()
  }

  // The policy forbids the page to load anything: what is not in the file is not shown.
  private var head: String {
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
    \(Self.style)
    </style>
    </head>
    <body>
    <header>
    \(heading)
    <p>\(counted(hits.count, "picture")) of \
    <b>\(escaped(metadata.name))</b>, found with \(escaped(metadata.modelName))</p>
    </header>
    <main>

    """
  }

  private static let foot = """
    </main>
    </body>
    </html>

    """

  private var title: String {
    switch query {
    case .text(let text): text
    case .picture(let path): path
    }
  }

  private var heading: String {
    switch query {
    case .text(let text): "<h1>\(escaped(text))</h1>"
    case .picture(let path):
      "<div class=\"query\">\(thumbnail(of: Array(path.utf8)))</div><h1>\(escaped(path))</h1>"
    }
  }

  private func tile(_ hit: PictureHit, rank: Int) -> String {
    var lines = ["<p class=\"path\">\(Self.breakable(hit.path))</p>"]
    lines += hit.captions.map { "<p class=\"caption\">\(escaped($0))</p>" }
    return """
      <figure>
      <a class="picture" href="\(fileURL(hit.locationBytes))">\(thumbnail(of: hit.locationBytes))</a>
      <figcaption>
      \(lines.joined(separator: "\n"))
      <p class="scores"><span class="rank">\(rank)</span>\(scores(hit))</p>
      </figcaption>
      </figure>

      """
  }

  /// A path whose folders are fainter than its name, and that may break after each of them.
  private static func breakable(_ path: String) -> String {
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).map {
      escaped(String($0))
    }
    let name = parts.removeLast()
    return parts.map { "<span>\($0)/</span><wbr>" }.joined() + name
  }

  private func scores(_ hit: PictureHit) -> String {
    var scores = "<span>cosine <b>\(fixed(Double(hit.cosine), 3))</b></span>"
    if let probability = hit.matchProbability {
      scores += """
        <span>match <b>\(percent(probability))</b>\
        <meter min="0" max="1" value="\(fixed(Double(probability), 4))"></meter></span>
        """
    }
    return scores
  }

  private func thumbnail(of path: [UInt8]) -> String {
    do {
      let picture = try readPicture(
        at: path, decoder: ImageDecoder(), side: Self.thumbnailSide
      ).fitted(to: Self.thumbnailSide)
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
