internal import Retrieval

/// A page of the results of a search.
struct SearchAnswer: Sendable {
  let expression: QueryExpression
  let hits: [PictureHit]
  /// Where the next page begins; nil at the end.
  let next: String?
  /// What the user should know.
  let notes: [String]
  /// How long it took.
  let duration: Duration

  var json: JSONOutput {
    .object([
      ("query", .string("\(expression)")), ("results", .array(hits.map(\.numberedJSON))),
      ("next", next.map { .string($0) }), ("notes", .array(notes.map { .string($0) })),
      ("seconds", .number(duration / .seconds(1))),
    ])
  }
}

/// The results of a search as far as they were asked for.
struct ResultList: Sendable {
  let hits: [PictureHit]
  /// Whether there are no more.
  let isComplete: Bool

  /// A page, and whether there is more after it; nil where the list is too short to say so.
  func page(_ request: SearchRequest) -> (hits: [PictureHit], hasMore: Bool)? {
    let end = request.offset + request.options.count
    guard hits.count > end || isComplete else { return nil }
    let page = hits.dropFirst(request.offset).prefix(request.options.count)
    return (Array(page), hits.count > end)
  }
}
