import Random
public import BLIP
public import Metrics
internal import VectorIndex

/// How well match probabilities are calibrated on a set: a calibration fitted on one half of the
/// pictures (every second one) and measured on the other.
///
/// The pairs are every text with its own picture and, as often, with one drawn from the other pictures
/// of its shortlist: hard negatives, as a search has to tell apart.
public struct MatchAnalysis: Sendable {
  /// How well a threshold separates queries that the collection has an answer for from those without.
  public struct Presence: Sendable {
    /// The least match probability of a hit.
    public let threshold: Float
    /// Of the queries that find something, those whose picture is there; nil if none finds anything.
    public let precision: Double?
    /// Of the queries whose picture is there, those that find something.
    public let recall: Double
  }

  /// The fitted calibration; nil if the logits are uninformative.
  public let calibration: MatchCalibration?
  /// The expected calibration error on the other half, in 15 bins (Guo et al. 2017), before and after.
  public let errorBefore, errorAfter: Double
  /// The mean negative log-likelihood there, before and after.
  public let lossBefore, lossAfter: Double
  /// The reliability diagrams there, before and after.
  public let reliabilityBefore, reliabilityAfter: [ReliabilityDiagram.Bin]
  /// Queries of the other half, with their picture and with it removed, after calibration.
  public let presence: [Presence]
  /// The probability that a query with its picture has a greater best match probability, or a greater
  /// cosine, than one without: areas under the ROC curve.
  public let presenceByMatch, presenceByCosine: Double

  static let bins = 15
  private static let seed: UInt64 = 7

  /// Nil if nothing was scored, or there is no second half.
  /// - Parameter usualDepth: How many of a shortlist a search would rerank.
  init?(of pairs: MatchPairs, usualDepth: Int) {
    let depth = min(max(usualDepth, 1), pairs.byText.depth)
    guard depth > 0, pairs.texts.count > 1 else { return nil }
    var fitted: [ScoredPair] = []
    var measured: [ScoredPair] = []
    var queries = PresenceQueries()
    var random = SplitMix64(seed: Self.seed)
    for (text, picture) in pairs.owner.enumerated() {
      guard let own = pairs.own[text] else { return nil }
      let places = pairs.byText.list(text).prefix(depth).enumerated().filter { Int($1) != picture }
        .map(\.offset)
      var samples = [ScoredPair(logits: own, isOwn: true)]
      if let place = places.randomElement(using: &random) {
        samples.append(ScoredPair(logits: pairs.byText[text, place]!, isOwn: false))
      }
      if picture.isMultiple(of: 2) {
        fitted += samples
      } else {
        measured += samples
        queries.add(text, of: pairs, others: places, isListed: places.count < depth)
      }
    }
    let calibration = PlattScaling(fitting: fitted.map(\.labelled)).flatMap(MatchCalibration.init)
    let after = calibration ?? .none
    (self.calibration, presence) = (calibration, queries.presence(after))
    let before = Self.reliability(of: measured, .none)
    let calibrated = Self.reliability(of: measured, after)
    (reliabilityBefore, reliabilityAfter) = (before.bins, calibrated.bins)
    errorBefore = before.expectedCalibrationError
    errorAfter = calibrated.expectedCalibrationError
    lossBefore = PlattScaling(.none).loss(of: measured.map(\.labelled))
    lossAfter = PlattScaling(after).loss(of: measured.map(\.labelled))
    presenceByMatch = areaUnderROC(
      positives: queries.withMargin, negatives: queries.withoutMargin)
    presenceByCosine = areaUnderROC(
      positives: queries.withCosine, negatives: queries.withoutCosine)
  }

  private static func reliability(
    of pairs: [ScoredPair], _ calibration: MatchCalibration
  ) -> ReliabilityDiagram {
    ReliabilityDiagram(
      bins: bins, pairs.map { ($0.logits.probability(calibration), isMatch: $0.isOwn) })
  }
}

extension MatchCalibration {
  /// The calibration of a fitted scaling.
  init?(_ scaling: PlattScaling) {
    self.init(temperature: Float(1 / scaling.scale), bias: Float(scaling.bias))
  }
}

extension PlattScaling {
  /// The scaling of a calibration.
  init(_ calibration: MatchCalibration) {
    self.init(scale: 1 / Double(calibration.temperature), bias: Double(calibration.bias))
  }
}

/// A pair and whether it is a text and its own picture.
struct ScoredPair: Sendable {
  let logits: MatchLogits
  let isOwn: Bool

  var labelled: LabelledScore { LabelledScore(logit: margin(logits), isMatch: isOwn) }
}

private func margin(_ logits: MatchLogits) -> Double {
  Double(logits.match) - Double(logits.noMatch)
}

/// The best of each query's list, with its own picture and without.
private struct PresenceQueries {
  private(set) var withMargin: [Double] = []
  private(set) var withoutMargin: [Double] = []
  private(set) var withCosine: [Double] = []
  private(set) var withoutCosine: [Double] = []

  /// - Parameter others: The list's places of other pictures than the text's own.
  mutating func add(_ text: Int, of pairs: MatchPairs, others: [Int], isListed: Bool) {
    guard let first = others.first else { return }
    let others = others.map { margin(pairs.byText[text, $0]!) }.max()!
    withoutMargin.append(others)
    withMargin.append(isListed ? max(others, margin(pairs.own[text]!)) : others)
    withoutCosine.append(Double(pairs.byText.cosine(text, place: first)))
    withCosine.append(Double(pairs.byText.cosine(text, place: 0)))
  }

  func presence(_ calibration: MatchCalibration) -> [MatchAnalysis.Presence] {
    (1...9).map { tenths in
      let threshold = Float(tenths) / 10
      func found(_ margins: [Double]) -> Int {
        margins.count {
          MatchLogits(noMatch: 0, match: Float($0)).probability(calibration) >= threshold
        }
      }
      let (right, wrong) = (found(withMargin), found(withoutMargin))
      return MatchAnalysis.Presence(
        threshold: threshold,
        precision: right + wrong > 0 ? Double(right) / Double(right + wrong) : nil,
        recall: Double(right) / Double(max(withMargin.count, 1)))
    }
  }
}
