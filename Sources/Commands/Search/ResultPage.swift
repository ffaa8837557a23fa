import Files
import Retrieval

/// The HTML page that `blip search --html` writes.
struct ResultPage {
  enum Query {
    case text(String)
    case picture(String)
  }

  let query: Query
  let metadata: IndexMetadata
  let hits: [PictureHit]

  /// Writes the page picture by picture, so that only one is in memory at a time.
  func write(to path: String) throws {
    let file = try AtomicFile(path)
    try file.write(HTMLPage.head(title: title, style: PageStyle.grid))
    try file.write(header)
    for (index, hit) in hits.enumerated() {
      try file.write(tile(hit, rank: index + 1))
    }
    try file.write("</main>\n" + HTMLPage.foot)
    try file.commit()
  }

  private var header: String {
    """
    <header>
    \(heading)
    <p>\(counted(hits.count, "picture")) from \
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
      "<div class=\"query\">\(HTMLPage.thumbnail(of: Array(path.utf8)))</div>"
        + "<h1>\(escaped(path))</h1>"
    }
  }

  private func tile(_ hit: PictureHit, rank: Int) -> String {
    HTMLPage.tile(
      hit.locationBytes,
      caption: [HTMLPage.path(hit.path)]
        + hit.captions.map { "<p class=\"caption\">\(escaped($0))</p>" },
      scores: "<span class=\"rank\">\(rank)</span>\(scores(hit))")
  }

  private func scores(_ hit: PictureHit) -> String {
    "<span>cosine <b>\(fixed(Double(hit.cosine), 3))</b></span>"
      + (hit.matchProbability.map(HTMLPage.match) ?? "")
  }
}
