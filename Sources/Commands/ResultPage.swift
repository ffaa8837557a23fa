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
    try file.write("</main>\n" + HTMLPage.foot)
    try file.commit()
  }

  private var head: String {
    HTMLPage.head(title: title, style: Self.style) + """
      <header>
      \(heading)
      <p>\(counted(hits.count, "picture")) of \
      <b>\(escaped(metadata.name))</b>, found with \(escaped(metadata.modelName))</p>
      </header>
      <main>

      """
  }

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
      "<div class=\"query\">\(HTMLPage.thumbnail(of: Array(path.utf8)))</div><h1>\(escaped(path))</h1>"
    }
  }

  private func tile(_ hit: PictureHit, rank: Int) -> String {
    var lines = ["<p class=\"path\">\(Self.breakable(hit.path))</p>"]
    lines += hit.captions.map { "<p class=\"caption\">\(escaped($0))</p>" }
    return """
      <figure>
      <a class="picture" href="\(fileURL(hit.locationBytes))">\(HTMLPage.thumbnail(of: hit.locationBytes))</a>
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
}
