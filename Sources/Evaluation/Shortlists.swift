internal import BLIP
internal import Files
internal import RankingMetrics
internal import Retrieval
internal import Tensors
internal import VectorIndex

/// For every query the items with the greatest ITC cosine (less their hubness, where that is given), best
/// first (the first of equal ones), and, once they are scored, their match logits. Memory grows with queries × depth, not with queries × items.
struct Shortlists: Sendable {
  /// Number of items in a query's list.
  let depth: Int
  /// Number of all items.
  let items: Int
  /// The lists, `[queries, depth]`.
  private(set) var ids: [UInt32]
  private(set) var cosines: [Float]
  private var logits: [MatchLogits?]
  /// The rank, from 0, of the best of a query's answers among all items by cosine alone.
  private(set) var itcRanks: [Int]

  /// Number of queries that are compared in one task.
  private static let block = 64

  /// Compares all queries with all items, block by block; nil if it was stopped.
  /// - Parameters:
  ///   - hubness: What is subtracted from an item's cosines; nil: nothing.
  ///   - answers: The items that are right for each query; at least one.
  init?(
    of queries: [[Float]], among embeddings: [[Float]], hubness: [Float]? = nil, depth: Int,
    answers: [Range<Int>], shouldStop: @escaping @Sendable () -> Bool
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
          Comparison(
            queries[query], with: embeddings, hubness: hubness, depth: length,
            answers: answers[query])
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

  /// An item's place in a query's list; nil if it is not in it.
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

  /// The rank, from 0, of the best answer after the first `depth` of the list were reranked.
  func rank(_ query: Int, depth: Int, by ranking: HitRanking, answers: Range<Int>) -> Int {
    guard depth > 0 else { return itcRanks[query] }
    let reranked = (0..<min(depth, self.depth)).map { place in
      RerankedItem(
        item: Int(ids[query * self.depth + place]),
        score: Self.score(
          by: ranking, cosine: cosines[query * self.depth + place], self[query, place]!))
    }
    return RankingMetrics.rank(ofBest: answers, reranked: reranked, items: items)
  }

  /// The score of a reranked item. One of a calibration is greater than those of what is not reranked.
  static func score(by ranking: HitRanking, cosine: Float, _ logits: MatchLogits) -> Float {
    let score = Float(ranking.rank(cosine: Double(cosine), match: logits).score)
    return ranking.calibration == nil ? score : max(score, -99)
  }
}

/// One query compared with all items.
private struct Comparison: Sendable {
  let best: [Neighbor]
  let rank: Int

  init(
    _ query: [Float], with embeddings: [[Float]], hubness: [Float]?, depth: Int,
    answers: Range<Int>
  ) {
    var cosines = embeddings.map { dot(query, $0) }
    if let hubness { for item in cosines.indices { cosines[item] -= hubness[item] } }
    var best = TopK(capacity: depth)
    for (item, cosine) in cosines.enumerated() {
      best.insert(Neighbor(id: UInt64(item), score: Double(cosine)))
    }
    self.best = best.sorted()
    rank = RankingMetrics.rank(ofBest: answers, scores: cosines)
  }
}
