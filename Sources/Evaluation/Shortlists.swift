internal import BLIP
internal import Files
internal import Retrieval
internal import Tensors
internal import VectorIndex

/// For every query the items of greatest ITC cosine, best first (the first of equal ones), and, once they
/// are scored, their match logits. Memory grows with queries × depth, never with queries × items.
struct Shortlists: Sendable {
  /// Items a query has in its list.
  let depth: Int
  /// Items there are.
  let items: Int
  /// The lists, `[queries, depth]`.
  private(set) var ids: [UInt32]
  private(set) var cosines: [Float]
  private var logits: [MatchLogits?]
  /// From 0, where the best of a query's answers stands among all items by cosine alone.
  private(set) var itcRanks: [Int]

  /// Queries that are compared in one task.
  private static let block = 64

  /// Compares all queries with all items, block by block; nil where it was stopped.
  /// - Parameter answers: The items that are right for each query; one at least.
  init?(
    of queries: [[Float]], among embeddings: [[Float]], depth: Int, answers: [Range<Int>],
    shouldStop: @escaping @Sendable () -> Bool
  ) async throws {
    (items, self.depth) = (embeddings.count, min(depth, embeddings.count))
    let slots = queries.count * self.depth
    ids = [UInt32](repeating: 0, count: slots)
    cosines = [Float](repeating: 0, count: slots)
    logits = [MatchLogits?](repeating: nil, count: slots)
    itcRanks = [Int](repeating: 0, count: queries.count)
    let blocks = stride(from: 0, to: queries.count, by: Self.block).map {
      $0..<min($0 + Self.block, queries.count)
    }
    let length = self.depth
    let isWhole = try await concurrentMap(
      blocks, inFlight: processors + 1, shouldStop: shouldStop,
      work: { block in
        block.map { query in
          Comparison(queries[query], with: embeddings, depth: length, answers: answers[query])
        }.enumerated().map { (query: block.lowerBound + $0, found: $1) }
      },
      take: { compared in
        for (query, found) in compared {
          itcRanks[query] = found.rank
          for (place, candidate) in found.best.enumerated() {
            ids[query * length + place] = UInt32(candidate.id)
            cosines[query * length + place] = Float(candidate.score)
          }
        }
      })
    guard isWhole else { return nil }
  }

  /// The items of a query's list.
  func list(_ query: Int) -> ArraySlice<UInt32> { ids[query * depth..<(query + 1) * depth] }

  /// Where an item stands in a query's list; nil where it does not.
  func place(of item: Int, for query: Int) -> Int? {
    list(query).firstIndex(of: UInt32(item)).map { $0 - query * depth }
  }

  /// The cosine at a place of a query's list.
  func cosine(_ query: Int, place: Int) -> Float { cosines[query * depth + place] }

  /// The logits at a place of a query's list.
  subscript(query: Int, place: Int) -> MatchLogits? {
    get { logits[query * depth + place] }
    set { logits[query * depth + place] = newValue }
  }

  /// From 0, where the best of the answers stands after the first `depth` of the list were reranked: score
  /// is match logit + weight × cosine, and -100 for all items beyond (train_retrieval.py). Of equal scores
  /// the last item comes first, as `argsort()[::-1]` of BLIP's `itm_eval` has it.
  func rank(_ query: Int, depth: Int, itcWeight: Float, answers: Range<Int>) -> Int {
    guard depth > 0 else { return itcRanks[query] }
    let reranked = (0..<min(depth, self.depth)).map { place in
      Standing(
        score: self[query, place]!.score(
          cosine: cosines[query * self.depth + place], itcWeight: itcWeight),
        item: Int(ids[query * self.depth + place]))
    }
    let listed = reranked.filter { answers.contains($0.item) }
    let beyond = answers.last { item in !listed.contains { $0.item == item } }
    let best = (listed + (beyond.map { [Standing(score: Standing.beyond, item: $0)] } ?? []))
      .max()!
    let before = reranked.count { $0 > best }
    if best.score > Standing.beyond { return before }
    // All others share one score: those behind it in the file, or all of them, come before it.
    let others = best.score < Standing.beyond ? items : items - 1 - best.item
    let counted = reranked.count { best.score < Standing.beyond || $0.item > best.item }
    return before + others - counted
  }

  /// An item's place in an order that grows.
  private struct Standing: Comparable {
    static let beyond: Float = -100
    let score: Float
    let item: Int

    static func < (a: Standing, b: Standing) -> Bool { (a.score, a.item) < (b.score, b.item) }
  }
}

/// One query held against all items.
private struct Comparison: Sendable {
  let best: [Neighbor]
  let rank: Int

  init(_ query: [Float], with embeddings: [[Float]], depth: Int, answers: Range<Int>) {
    let cosines = embeddings.map { dot(query, $0) }
    var best = TopK(capacity: depth)
    for (item, cosine) in cosines.enumerated() {
      best.insert(Neighbor(id: UInt64(item), score: Double(cosine)))
    }
    self.best = best.sorted()
    // Of equal answers the last one stands best.
    let answer = answers.max { (cosines[$0], $0) < (cosines[$1], $1) }!
    rank = cosines.indices.count { (cosines[$0], $0) > (cosines[answer], answer) }
  }
}
