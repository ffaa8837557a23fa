public import BLIP
internal import VectorIndex

/// What match probabilities are worth on a set: how they are calibrated, fitted on one half of the
/// pictures (every second one) and measured on the other.
///
/// The pairs are every text with its own picture and, as often, with one drawn from the best of its
/// shortlist that is not: hard ones, as a search has to tell apart.
public struct MatchAnalysis: Sendable {
  /// Pairs by their probability, in bins of equal width.
  public struct Bin: Sendable, Equatable {
    /// Pairs that are a text and its own picture.
    public var own = 0
    /// Pairs that are not.
    public var other = 0
    /// The sum of their probabilities.
    public var sum = 0.0

    /// How many there are.
    public var count: Int { own + other }
  }

  /// How well a threshold tells queries that the collection has an answer for from those it has none for.
  public struct Presence: Sendable {
    /// The least match probability of a hit.
    public let threshold: Float
    /// Of the queries that find something, those whose picture is there; nil where none finds anything.
    public let precision: Double?
    /// Of the queries whose picture is there, those that find something.
    public let recall: Double
  }

  /// What was fitted; nil where the logits tell nothing.
  public let calibration: MatchCalibration?
  /// The expected calibration error on the other half, in 15 bins (Guo et al. 2017), before and after.
  public let errorBefore, errorAfter: Double
  /// The mean negative log-likelihood there, before and after.
  public let lossBefore, lossAfter: Double
  /// The bins there, before and after: the reliability diagram.
  public let reliabilityBefore, reliabilityAfter: [Bin]
  /// Queries of the other half, with their picture and with it taken away, after calibration.
  public let presence: [Presence]
  /// The chance that a query with its picture has a greater best match probability, or a greater cosine,
  /// than one without.
  public let presenceByMatch, presenceByCosine: Double

  static let bins = 15
  private static let seed: UInt64 = 7

  /// Nil where nothing was scored, or there is no second half.
  /// - Parameter usualDepth: How much of the shortlists a search would rerank.
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
    let calibration = PlattScaling(fitting: fitted)?.calibration
    let after = calibration ?? .none
    (self.calibration, presence) = (calibration, queries.presence(after))
    (reliabilityBefore, reliabilityAfter) = (
      Self.bins(of: measured, .none), Self.bins(of: measured, after)
    )
    (errorBefore, errorAfter) = (
      Self.expectedError(reliabilityBefore), Self.expectedError(reliabilityAfter)
    )
    (lossBefore, lossAfter) = (loss(of: measured, .none), loss(of: measured, after))
    presenceByMatch = separation(queries.withMargin, queries.withoutMargin)
    presenceByCosine = separation(queries.withCosine, queries.withoutCosine)
  }

  private static func bins(of pairs: [ScoredPair], _ calibration: MatchCalibration) -> [Bin] {
    var bins = [Bin](repeating: Bin(), count: Self.bins)
    for pair in pairs {
      let probability = pair.logits.probability(calibration)
      let place = min(Int(probability * Float(Self.bins)), Self.bins - 1)
      bins[place].sum += Double(probability)
      if pair.isOwn { bins[place].own += 1 } else { bins[place].other += 1 }
    }
    return bins
  }

  /// Σ |bin| / n · |share of own pairs − mean probability|.
  private static func expectedError(_ bins: [Bin]) -> Double {
    let count = bins.reduce(0) { $0 + $1.count }
    return bins.reduce(0) { $0 + abs(Double($1.own) - $1.sum) } / Double(max(count, 1))
  }
}

/// A pair and whether it is a text and its own picture.
struct ScoredPair: Sendable {
  let logits: MatchLogits
  let isOwn: Bool

  var margin: Double { Double(logits.match) - Double(logits.noMatch) }
}

/// The best of each query's list, with its own picture and without.
private struct PresenceQueries {
  private(set) var withMargin: [Double] = []
  private(set) var withoutMargin: [Double] = []
  private(set) var withCosine: [Double] = []
  private(set) var withoutCosine: [Double] = []

  /// `others`: the places of the list that are not the text's own picture.
  mutating func add(_ text: Int, of pairs: MatchPairs, others: [Int], isListed: Bool) {
    guard let first = others.first else { return }
    func margin(_ logits: MatchLogits) -> Double { Double(logits.match) - Double(logits.noMatch) }
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

/// The chance that one of `with` is greater than one of `without`, a tie counting half (the area under the
/// ROC curve).
private func separation(_ with: [Double], _ without: [Double]) -> Double {
  let sorted = without.sorted()
  func below(_ value: Double, orEqual: Bool) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < value || (orEqual && sorted[middle] == value) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
  let wins = with.reduce(0.0) {
    $0 + Double(below($1, orEqual: false) + below($1, orEqual: true)) / 2
  }
  return wins / Double(max(with.count * without.count, 1))
}
