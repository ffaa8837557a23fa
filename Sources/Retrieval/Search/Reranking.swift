import BLIP
import Store
internal import VectorIndex

/// A candidate of the first stage and, once the second stage saw it, its match.
struct RankedCandidate {
  private let neighbor: Neighbor
  private(set) var match: MatchLogits?
  /// The probability of a match, calibrated as the index says.
  private(set) var probability: Float?
  /// The score of a reranked candidate (`MatchLogits.score`).
  private(set) var score: Float?

  init(_ neighbor: Neighbor) { self.neighbor = neighbor }

  var id: UInt64 { neighbor.id }
  /// ITC cosine.
  var cosine: Float { Float(neighbor.score) }

  mutating func take(_ match: MatchLogits?, _ rule: RerankRule) {
    self.match = match
    probability = match?.probability(rule.calibration)
    score = match?.score(cosine: cosine, itcWeight: rule.itcWeight)
  }
}

/// What is made of a candidate's match logits.
struct RerankRule {
  /// What the cosine counts beside the match logit.
  let itcWeight: Float
  let calibration: MatchCalibration
}

/// The order of results: reranked candidates first, by match logit and cosine as BLIP's own evaluation
/// ranks (train_retrieval.py), the others behind them by cosine; ties by cosine, then by id.
func ranked(_ candidates: [RankedCandidate]) -> [RankedCandidate] {
  candidates.sorted { a, b in
    switch (a.score, b.score) {
    case (let left?, let right?) where left != right: left > right
    case (.some, nil): true
    case (nil, .some): false
    default: a.cosine != b.cosine ? a.cosine > b.cosine : a.id < b.id
    }
  }
}

/// How many candidates each stage takes.
struct SearchDepth: Equatable {
  /// Results wanted.
  let count: Int
  /// Candidates that go through ITM.
  let rerank: Int
  /// The least match probability of a result.
  let minimumMatch: Float?

  /// Checks what the caller asks for. A least match probability needs a probability: with a depth
  /// of zero as many candidates as results, at least 16, are then reranked all the same.
  init(count: Int, rerank: Int, minimumMatch: Float?) throws(RetrievalError) {
    guard count > 0 else {
      throw RetrievalError(
        .invalidOption, "the number of results is \(count); ask for 1 or more")
    }
    guard rerank >= 0 else {
      throw RetrievalError(.invalidOption, "the rerank depth is \(rerank); give 0 or more")
    }
    if let minimumMatch, !(0...1).contains(minimumMatch) {
      throw RetrievalError(
        .invalidOption, "the least match probability is \(minimumMatch); give 0 to 1")
    }
    self.count = count
    self.minimumMatch = minimumMatch
    self.rerank = minimumMatch != nil && rerank == 0 ? max(count, 16) : rerank
  }

  /// Candidates of the first stage.
  var candidates: Int { max(count, rerank) }

  /// The results among the ranked candidates. Where a least match probability is given, a
  /// candidate without one is no result.
  func results(of candidates: [RankedCandidate]) -> [RankedCandidate] {
    var results = ranked(candidates)
    if let minimumMatch { results.removeAll { ($0.probability ?? -1) < minimumMatch } }
    return Array(results.prefix(count))
  }
}
