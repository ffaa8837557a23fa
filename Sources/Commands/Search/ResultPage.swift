import Files
import Retrieval

/// The HTML page that `blip search --html` writes.
struct ResultPage {
  let query: QueryExpression
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

  private var title: String { "\(query)" }

  private var heading: String {
    let pictures = query.pictures.map { HTMLPage.thumbnail(of: Array($0.utf8)) }
    return (pictures.isEmpty ? "" : "<div class=\"query\">\(pictures.joined())</div>")
      + "<h1>\(escaped(title))</h1>"
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
