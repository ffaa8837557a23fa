import RankingMetrics
import TestSupport
import Testing

@Suite struct RecallTests {
  @Test func recallIsTheShareOfRanksBelowK() {
    #expect(recall(at: 1, ofRanks: [0, 0, 1, 7]) == 50)
    #expect(recall(at: 5, ofRanks: [0, 0, 1, 7]) == 75)
  }

  /// BLIP's evaluation: means of R@1, 5 and 10, and the mean of both directions' means.
  @Test func namesAndMeansAreBLIPs() {
    let metrics = RetrievalMetrics(ofPictures: [0, 5], ofTexts: [0, 1, 2, 20])
    #expect(
      metrics.values.map(\.key) == [
        "txt_r1", "txt_r5", "txt_r10", "txt_r_mean", "img_r1", "img_r5", "img_r10", "img_r_mean",
        "r_mean",
      ])
    #expect(metrics["txt_r1"] == 50 && metrics["txt_r10"] == 100)
    #expect(metrics["img_r1"] == 25 && metrics["img_r5"] == 75)
    #expect(metrics["r_mean"] == (metrics["txt_r_mean"] + metrics["img_r_mean"]) / 2)
  }

  @Test("ranks are those of a reversed stable argsort of the row, ties and scores below -100 too")
  func argsort() {
    var random = SplitMix64(seed: 5)
    for _ in 0..<400 {
      let items = Int.random(in: 1...30, using: &random)
      let scores = (0..<items).map { _ in
        Float([-200, -101, -100, 0, 1, 2].randomElement(using: &random)!)
      }
      let listed = (0..<items).filter { _ in Bool.random(using: &random) }
      let answers = (0..<items).filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
      guard !answers.isEmpty else { continue }
      func expected(_ scores: [Float]) -> Int {
        let order = scores.indices.sorted { (scores[$0], $0) > (scores[$1], $1) }
        return answers.map { order.firstIndex(of: $0)! }.min()!
      }
      #expect(rank(ofBest: answers, scores: scores) == expected(scores))
      let beyond = (0..<items).map { listed.contains($0) ? scores[$0] : -100 }
      #expect(
        rank(
          ofBest: answers, reranked: listed.map { RerankedItem(item: $0, score: scores[$0]) },
          items: items) == expected(beyond))
    }
  }
}
