import Checkpoints
import Store
import TestSupport
import Testing
import VectorIndex

@testable import BLIP
@testable import Retrieval

@Suite("The order of results") struct RankingTests {
  private func candidate(
    _ id: UInt64, _ cosine: Float, match: Float? = nil,
    by ranking: HitRanking = HitRanking(calibration: nil, itcWeight: 1)
  ) -> RankedCandidate {
    var candidate = RankedCandidate(Neighbor(id: id, score: Double(cosine)), ranking)
    candidate.take(match.map { MatchLogits(noMatch: 0, match: $0) })
    return candidate
  }

  @Test("without a calibration is match logit + cosine, then cosine, then ids")
  func order() {
    let candidates = [
      candidate(1, 0.875), candidate(2, 0.125, match: 1), candidate(6, 0.25, match: 1),
      candidate(4, 0.9375), candidate(3, 0.5, match: 0.75), candidate(5, 0.25, match: 1),
    ]
    #expect(ranked(candidates).map(\.id) == [3, 5, 6, 2, 4, 1])
    #expect(candidates.allSatisfy { $0.probability == nil })
  }

  @Test("weighs the cosine as the model says") func weight() {
    func order(_ weight: Float) -> [UInt64] {
      let ranking = HitRanking(calibration: nil, itcWeight: weight)
      return ranked([
        candidate(1, 0.5, match: 1, by: ranking), candidate(2, 0.25, match: 2, by: ranking),
      ]).map(\.id)
    }
    #expect(order(1) == [2, 1])
    #expect(order(8) == [1, 2])
  }

  @Test("with a calibration, no probability is ever greater than one before it") func calibrated()
    throws
  {
    var random = SplitMix64(seed: 9)
    func logistic(match: ClosedRange<Float>) throws -> HitCalibration.Logistic {
      try #require(
        HitCalibration.Logistic(
          match: .random(in: match, using: &random), cosine: .random(in: 0.1...90, using: &random),
          bias: .random(in: -40...20, using: &random)))
    }
    for _ in 0..<200 {
      let ranking = HitRanking(
        calibration: HitCalibration.Kind(
          reranked: try logistic(match: 0...9), unreranked: try logistic(match: 0...0)),
        itcWeight: 32)
      let candidates = (1...30).map { id in
        candidate(
          id, Float.random(in: -1...1, using: &random),
          match: Bool.random(using: &random) ? .random(in: -9...9, using: &random) : nil,
          by: ranking)
      }.shuffled(using: &random)
      let hits = ranked(candidates)
      let probabilities = hits.map { $0.probability! }
      #expect(probabilities == probabilities.sorted(by: >))
      #expect(ranked(candidates.reversed()).map(\.id) == hits.map(\.id))
      let cut = probabilities[10]
      let depth = try SearchDepth(count: 30, rerank: 0, minimumMatch: cut, isCalibrated: true)
      let kept = hits.filter { $0.probability! >= cut }
      #expect(depth.results(of: candidates).map(\.id) == kept.map(\.id))
      #expect(depth.rerank == 0)
    }
  }

  @Test("depths: as many candidates as either stage needs") func depths() throws {
    #expect(try SearchDepth(count: 10, rerank: 32, minimumMatch: nil).candidates == 32)
    #expect(try SearchDepth(count: 10, rerank: 0, minimumMatch: nil).candidates == 10)
    #expect(try SearchDepth(count: 10, rerank: 0, minimumMatch: 0.5).rerank == 16)
    #expect(try SearchDepth(count: 50, rerank: 0, minimumMatch: 0.5).rerank == 50)
    #expect(try SearchDepth(count: 50, rerank: 4, minimumMatch: 0.5).rerank == 4)
  }
}
