public import Checkpoints
internal import RankingMetrics
internal import Store

/// A calibration, and how good it is on queries that it was not fitted on.
public struct CalibrationReport: Sendable {
  /// How good probabilities of one kind are.
  public struct Quality: Sendable {
    /// "sentences, reranked" and so on.
    public let name: String
    /// Queries, and hits of them.
    public let queries, hits: Int
    /// The share of hits that are right.
    public let right: Double
    /// The expected calibration error of all hits in 15 bins (Guo et al. 2017), and of the first five of
    /// each query.
    public let error, errorOfFirst: Double
    /// The area under the ROC curve of the first five hits of each query: the probability that a right one
    /// has a greater probability than a wrong one.
    public let area: Double
  }

  /// What was fitted.
  public let calibration: HitCalibration
  /// How good it is, by kind.
  public let qualities: [Quality]

  /// Below that share of queries with an answer, the best hit's probability says that there is none.
  private static let unnoticed = 0.05
  fileprivate static let first = 5

  /// Fails if, on these lists, a greater cosine makes a hit no likelier to be right. Where there are too few
  /// sentences or phrases, the others stand for them.
  init(
    sentences: HitCalibrator.Lists, phrases: HitCalibrator.Lists, texts: HitCalibrator.Lists,
    isHubCorrected: Bool
  ) throws(RetrievalError) {
    let kinds = [sentences, phrases, texts].map { Self.kind($0.fitted) }
    guard let ofSentences = kinds[0] ?? kinds[1], let ofPhrases = kinds[1] ?? kinds[0] else {
      throw RetrievalError(
        "not calibrated: on these captions, a greater cosine does not make a hit more likely to be "
          + "right")
    }
    calibration = HitCalibration(
      sentences: ofSentences, phrases: ofPhrases, texts: kinds[2], isHubCorrected: isHubCorrected)
    var qualities: [Quality] = []
    let names = ["sentences", "phrases", "texts"]
    for (index, lists) in [sentences, phrases, texts].enumerated() {
      guard let kind = kinds[index] else { continue }
      let name = names[index]
      qualities.append(
        Quality("\(name), reranked", lists.measured) {
          kind.logOdds(match: Float($0.match), cosine: Float($0.cosine))
        })
      qualities.append(
        Quality("\(name), by cosine", lists.measured) {
          kind.logOdds(match: nil, cosine: Float($0.cosine))
        })
    }
    self.qualities = qualities
  }

  /// Nil if a greater cosine makes a hit no likelier.
  private static func kind(_ lists: [[LabelledHit]]) -> HitCalibration.Kind? {
    let fitted = HitRegression(fitting: Array(lists.joined()))
    let kind = fitted.flatMap {
      HitCalibration.Kind(
        reranked: ($0.reranked.weights[0], $0.reranked.weights[1], $0.reranked.bias),
        unreranked: ($0.byCosine.weights[0], $0.byCosine.bias))
    }
    guard let kind else { return nil }
    let best = lists.compactMap { hits in
      hits.map { kind.logOdds(match: nil, cosine: Float($0.cosine)) }.max()
    }.sorted()
    return HitCalibration.Kind(
      reranked: kind.reranked, unreranked: kind.unreranked,
      floor: probability(ofLogOdds: best[Int(unnoticed * Double(best.count))]))
  }
}

extension CalibrationReport.Quality {
  fileprivate init(
    _ name: String, _ lists: [[LabelledHit]], logOdds: (LabelledHit) -> Double
  ) {
    let scored = lists.map { hits in
      hits.map { (probability: probability(ofLogOdds: logOdds($0)), isMatch: $0.isRight) }
        .sorted { $0.probability > $1.probability }
    }
    let all = Array(scored.joined())
    let first = Array(scored.map { $0.prefix(CalibrationReport.first) }.joined())
    self.name = name
    (queries, hits) = (lists.count, all.count)
    right = Double(all.count { $0.isMatch }) / Double(max(all.count, 1))
    error = ReliabilityDiagram(bins: MatchAnalysis.bins, all).expectedCalibrationError
    errorOfFirst = ReliabilityDiagram(bins: MatchAnalysis.bins, first).expectedCalibrationError
    area = areaUnderROC(
      positives: first.filter(\.isMatch).map { Double($0.probability) },
      negatives: first.filter { !$0.isMatch }.map { Double($0.probability) })
  }
}
