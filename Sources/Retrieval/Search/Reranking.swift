import BLIP
import Store
internal import VectorIndex

/// A candidate of the first stage and, once the second stage saw it, its match.
struct RankedCandidate {
  let id: UInt64
  /// ITC cosine.
  let cosine: Float
  /// What is subtracted from it; 0 where searches are not corrected for hubs.
  let hubness: Float
  private(set) var match: MatchLogits?
  /// What the index knows of it in words; nil where no picture has a word of the query.
  private(set) var words: WordSearch.Found?
  private(set) var rank: HitRank
  private let ranking: HitRanking
  private let score: Double

  init(_ neighbor: Neighbor, _ ranking: HitRanking) {
    self.init(
      CorrectedNeighbor(id: neighbor.id, cosine: neighbor.score, hubness: 0), ranking)
  }

  init(_ neighbor: CorrectedNeighbor, _ ranking: HitRanking) {
    id = neighbor.id
    cosine = Float(neighbor.cosine)
    hubness = neighbor.hubness
    score = neighbor.score
    self.ranking = ranking
    rank = ranking.rank(cosine: score, match: nil)
  }

  /// How likely it is right; nil where the model is not calibrated.
  var probability: Float? { rank.probability }

  mutating func take(_ match: MatchLogits?) {
    self.match = match
    rank = ranking.rank(cosine: score, match: match, words: words?.scores)
  }

  mutating func take(_ words: WordSearch.Found?) {
    self.words = words
    rank = ranking.rank(cosine: score, match: match, words: words?.scores)
  }

  /// Whether it has at least this probability: of being right or, where the model is not calibrated, of a
  /// match. One without a probability has not.
  func reaches(_ minimum: Float) -> Bool { shownProbability.map { $0 >= minimum } ?? false }

  /// How likely it is right or, where the model is not calibrated, ITM's probability of a match; nil where
  /// neither is known.
  var shownProbability: Float? { probability ?? match?.probability }
}

/// The order of results: the best first, ties by cosine, then by id.
func ranked(_ candidates: [RankedCandidate]) -> [RankedCandidate] {
  candidates.sorted { a, b in
    if a.rank < b.rank || b.rank < a.rank { return b.rank < a.rank }
    return a.cosine != b.cosine ? a.cosine > b.cosine : a.id < b.id
  }
}

/// How many candidates each stage takes.
struct SearchDepth: Equatable {
  /// Results wanted.
  private(set) var count: Int
  /// Candidates that go through ITM.
  private(set) var rerank: Int
  /// The least probability of a result.
  let minimumMatch: Float?
  /// Whether candidates are only reranked for that.
  private let isRerankedForMinimum: Bool

  /// Checks what the caller asks for. Where only reranking makes a probability, a least one turns it on:
  /// with a depth of zero as many candidates as results, at least 16, are then reranked all the same.
  init(
    count: Int, rerank: Int, minimumMatch: Float?, isCalibrated: Bool = false
  ) throws(RetrievalError) {
    guard count > 0 else {
      throw RetrievalError(
        .invalidOption, "the number of results is \(count); ask for 1 or more")
    }
    guard rerank >= 0 else {
      throw RetrievalError(.invalidOption, "the rerank depth is \(rerank); give 0 or more")
    }
    if let minimumMatch, !(0...1).contains(minimumMatch) {
      throw RetrievalError(
        .invalidOption, "the least probability is \(minimumMatch); give 0 to 1")
    }
    self.count = count
    self.minimumMatch = minimumMatch
    isRerankedForMinimum = minimumMatch != nil && rerank == 0 && !isCalibrated
    self.rerank = isRerankedForMinimum ? max(count, 16) : rerank
  }

  /// So many more results cost next to nothing.
  private static let fewest = 16

  /// Takes twice as many results as before, as some may be near-identical to others, but at most all.
  mutating func widen(most all: Int) {
    count = min(min(count, all) + max(min(count, all), Self.fewest), all)
    if isRerankedForMinimum { rerank = max(count, 16) }
  }

  /// Candidates of the first stage.
  var candidates: Int { max(count, rerank) }

  /// The results among the ranked candidates.
  func results(of candidates: [RankedCandidate]) -> [RankedCandidate] {
    var results = ranked(candidates)
    if let minimumMatch { results.removeAll { !$0.reaches(minimumMatch) } }
    return Array(results.prefix(count))
  }
}
