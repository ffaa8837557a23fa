/// The rank, from 0, of the best answer to a query when all items are ordered by one score.
/// - Parameter answers: The items that are right, in ascending order; at least one.
public func rank(ofBest answers: some BidirectionalCollection<Int>, scores: [Float]) -> Int {
  guard let best = answers.max(by: { (scores[$0], $0) < (scores[$1], $1) }) else {
    preconditionFailure("a query without an answer")
  }
  return scores.indices.count { (scores[$0], $0) > (scores[best], best) }
}

/// An item that was reranked, with its score.
public struct RerankedItem: Sendable, Comparable {
  /// Its index.
  public let item: Int
  /// Its score after reranking.
  public let score: Float

  /// An item with its score.
  public init(item: Int, score: Float) { (self.item, self.score) = (item, score) }

  /// Of equal scores the last item ranks first, as `argsort()[::-1]` in BLIP's `itm_eval`.
  public static func < (a: RerankedItem, b: RerankedItem) -> Bool {
    (a.score, a.item) < (b.score, b.item)
  }
}

/// The rank, from 0, of the best answer to a query of which the best items were reranked. All others
/// have the score −100 (train_retrieval.py).
/// - Parameters:
///   - answers: The items that are right, in ascending order; at least one.
///   - reranked: The items that were reranked.
///   - items: Number of all items.
public func rank(
  ofBest answers: some BidirectionalCollection<Int>, reranked: [RerankedItem], items: Int
) -> Int {
  let beyond: Float = -100
  let listed = reranked.filter { answers.contains($0.item) }
  let unlisted = answers.last { item in !listed.contains { $0.item == item } }
  let candidates = listed + (unlisted.map { [RerankedItem(item: $0, score: beyond)] } ?? [])
  guard let best = candidates.max() else { preconditionFailure("a query without an answer") }
  let before = reranked.count { $0 > best }
  if best.score > beyond { return before }
  // All others have one score: those with a greater index, or all of them, rank before the answer.
  let others = best.score < beyond ? items : items - 1 - best.item
  let counted = reranked.count { best.score < beyond || $0.item > best.item }
  return before + others - counted
}
