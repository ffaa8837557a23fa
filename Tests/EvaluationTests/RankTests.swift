import BLIP
import Retrieval
import TestSupport
import Testing

@testable import Evaluation

@Suite("Ranks")
struct RankTests {
  @Test("are those of a reversed stable argsort of the whole row, ties and scores below -100 too")
  func argsort() async throws {
    var random = SplitMix64(seed: 5)
    for _ in 0..<40 {
      let items = Int.random(in: 1...30, using: &random)
      func vectors(_ count: Int) -> [[Float]] {
        // Few different cosines, so that many are equal.
        (0..<count).map { _ in [Float(Int.random(in: 0...3, using: &random)), 1] }
      }
      let (queries, embeddings) = (vectors(8), vectors(items))
      let answers = queries.map { _ in
        let first = Int.random(in: 0..<items, using: &random)
        return first..<Int.random(in: first...items, using: &random)
      }.map { $0.isEmpty ? 0..<1 : $0 }
      let most = Int.random(in: 1...40, using: &random)
      var lists = try #require(
        try await Shortlists(
          of: queries, among: embeddings, depth: most, answers: answers, shouldStop: { false }))
      let logits = queries.map { _ in
        embeddings.map { _ in Float([-200, -101, 0, 1, 2].randomElement(using: &random)!) }
      }
      for query in queries.indices {
        for (place, item) in lists.list(query).enumerated() {
          lists[query, place] = MatchLogits(noMatch: 0, match: logits[query][Int(item)])
        }
      }
      for depth in [0, 1, 3, most] where depth <= most {
        for query in queries.indices {
          let cosines = embeddings.map { queries[query][0] * $0[0] + 1 }
          let top = Set(
            cosines.indices.sorted { (cosines[$1], $0) < (cosines[$0], $1) }.prefix(depth))
          let scores = cosines.indices.map { item in
            depth == 0
              ? cosines[item] : top.contains(item) ? logits[query][item] + 2 * cosines[item] : -100
          }
          let order = scores.indices.sorted { (scores[$0], $0) > (scores[$1], $1) }
          #expect(
            lists.rank(
              query, depth: depth, by: HitRanking(calibration: nil, itcWeight: 2),
              answers: answers[query])
              == answers[query].map { order.firstIndex(of: $0)! }.min())
        }
      }
    }
  }
}
