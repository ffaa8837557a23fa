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
    <b>\(escaped(metadata.name))</b>, found with \(escaped(metadata.model.name))</p>
    </header>
    <main>

    """
  }

  /// The query, with the names of pictures without their folders.
  private var title: String {
    let terms = query.terms.map { term in
      guard case .picture(let picture) = term.content else { return term }
      return QueryExpression.Term(
        .picture(PictureSource(picture.shortName)), weight: term.weight)
    }
    return "\((try? QueryExpression(terms)) ?? query)"
  }

  private var heading: String {
    let pictures = query.pictures.map { HTMLPage.thumbnail(of: $0) }
    return (pictures.isEmpty ? "" : "<div class=\"query\">\(pictures.joined())</div>")
      + "<h1>\(escaped(title))</h1>"
  }

  private func tile(_ hit: PictureHit, rank: Int) -> String {
    HTMLPage.tile(
      hit.locationBytes, alternative: hit.captions.first,
      caption: [HTMLPage.path(hit.path)]
        + hit.notes.map { "<p class=\"caption\">\(escaped($0))</p>" }
        + (hit.alike.isEmpty ? [] : ["<p class=\"caption\">\(hit.alikeNote)</p>"]),
      scores: "<span class=\"rank\">\(rank)</span>\(scores(hit))")
  }

  private func scores(_ hit: PictureHit) -> String {
    let figure = RankedFigure(probability: hit.probability, match: hit.matchProbability)
    return (figure.map(HTMLPage.figure) ?? "")
      + "<span>cosine \(fixed(Double(hit.cosine), 3))</span>"
  }
}
