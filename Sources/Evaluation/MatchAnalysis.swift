internal import BLIP
internal import Glibc
public import RankingMetrics
internal import Retrieval

/// How reliable the probabilities are that a search shows: of the model's calibration or, without one, ITM's
/// softmax. Measured on the first hits of every text; the right one is the text's own picture.
public struct MatchAnalysis: Sendable {
  /// How well a threshold separates queries that the collection has an answer for from those without.
  public struct Presence: Sendable {
    /// The least probability of a hit.
    public let threshold: Float
    /// Of the queries that find something, those whose picture is there; nil if none finds anything.
    public let precision: Double?
    /// Of the queries whose picture is there, those that find something.
    public let recall: Double
  }

  /// Whether the model is calibrated.
  public let isCalibrated: Bool
  /// The expected calibration error of reranked hits, in 15 bins (Guo et al. 2017).
  public let error: Double
  /// That of the same hits by their cosine alone; nil without a calibration.
  public let errorByCosine: Double?
  /// The mean negative log-likelihood of reranked hits.
  public let loss: Double
  /// The reliability diagram of reranked hits.
  public let reliability: [ReliabilityDiagram.Bin]
  /// Queries with their picture and with it removed.
  public let presence: [Presence]
  /// The probability that the first hit of a query with its picture has a greater probability, or a
  /// greater cosine, than of one without: areas under the ROC curve.
  public let presenceByProbability, presenceByCosine: Double

  static let bins = 15

  /// Nil if nothing was scored.
  /// - Parameter usualDepth: How many of a shortlist a search would rerank.
  init?(of pairs: MatchPairs, by rankings: [HitRanking], usualDepth: Int) {
    let depth = min(max(usualDepth, 1), pairs.byText.depth)
    guard depth > 0 else { return nil }
    func probability(_ text: Int, _ cosine: Float, _ logits: MatchLogits?) -> Float? {
      rankings[text].rank(cosine: Double(cosine), match: logits).probability ?? logits?.probability
    }
    var reranked: [(probability: Float, isMatch: Bool)] = []
    var byCosine: [(probability: Float, isMatch: Bool)] = []
    var queries = PresenceQueries()
    for (text, picture) in pairs.owner.enumerated() {
      var first: (with: Float, without: Float) = (0, 0)
      for (place, other) in pairs.byText.list(text).prefix(depth).enumerated() {
        let cosine = pairs.byText.cosine(text, place: place)
        guard let logits = pairs.byText[text, place], let shown = probability(text, cosine, logits)
        else { return nil }
        let isOwn = Int(other) == picture
        reranked.append((probability: shown, isMatch: isOwn))
        if let alone = probability(text, cosine, nil) {
          byCosine.append((probability: alone, isMatch: isOwn))
        }
        first.with = max(first.with, shown)
        if !isOwn { first.without = max(first.without, shown) }
      }
      let isFirst = Int(pairs.byText.list(text).first!) == picture
      queries.add(
        first, cosine: pairs.byText.cosine(text, place: 0),
        without: pairs.byText.cosine(text, place: isFirst ? min(1, depth - 1) : 0))
    }
    let diagram = ReliabilityDiagram(bins: Self.bins, reranked)
    isCalibrated = rankings.contains { $0.calibration != nil }
    (error, reliability) = (diagram.expectedCalibrationError, diagram.bins)
    errorByCosine =
      byCosine.isEmpty
      ? nil : ReliabilityDiagram(bins: Self.bins, byCosine).expectedCalibrationError
    let losses = reranked.map { pair in
      -log(max(Double(pair.isMatch ? pair.probability : 1 - pair.probability), 1e-12))
    }
    loss = losses.reduce(0, +) / Double(max(losses.count, 1))
    presence = queries.presence
    presenceByProbability = areaUnderROC(
      positives: queries.withProbability, negatives: queries.withoutProbability)
    presenceByCosine = areaUnderROC(
      positives: queries.withCosine, negatives: queries.withoutCosine)
  }
}

/// The best of each query's list, with its own picture and without.
private struct PresenceQueries {
  private(set) var withProbability: [Double] = []
  private(set) var withoutProbability: [Double] = []
  private(set) var withCosine: [Double] = []
  private(set) var withoutCosine: [Double] = []

  mutating func add(_ first: (with: Float, without: Float), cosine: Float, without: Float) {
    withProbability.append(Double(first.with))
    withoutProbability.append(Double(first.without))
    withCosine.append(Double(cosine))
    withoutCosine.append(Double(without))
  }

  var presence: [MatchAnalysis.Presence] {
    (1...9).map { tenths in
      let threshold = Double(tenths) / 10
      let right = withProbability.count { $0 >= threshold }
      let wrong = withoutProbability.count { $0 >= threshold }
      return MatchAnalysis.Presence(
        threshold: Float(threshold),
        precision: right + wrong > 0 ? Double(right) / Double(right + wrong) : nil,
        recall: Double(right) / Double(max(withProbability.count, 1)))
    }
  }
}
