internal import Checkpoints

/// A text whose answers are known.
struct WordQuery: Sendable {
  /// Of its picture among those with a caption held out.
  let number: Int
  /// The picture that it is of, by its place in the set.
  let picture: Int
  /// Whether it is a whole caption, and whether it is short.
  let isCaption, isPhrase: Bool
  let terms: [String]
  /// `[CLS] … [SEP]`
  let tokens: [Int32]
  let embedding: [Float]
}

/// A hit with all that is known of it.
struct WordHit: Sendable {
  /// By its place in the set.
  let picture: Int
  /// The cosine, less the hubness where searches are corrected for it.
  let cosine: Double
  /// Set where it was reranked.
  var match: Double?
  let scores: WordCalibration.Scores
  /// Whether it is an answer, and whether it is the query's own picture.
  let isRight, isOwn: Bool
}

/// What a search by pictures and words finds for a query.
struct WordAnswer: Sendable {
  let query: WordQuery
  var hits: [WordHit]
  /// The rank of the query's picture by words alone; nil where it is not among the best 64.
  let rankByWords: Int?

  /// The greatest first, ties by the picture.
  mutating func sort(by score: (WordHit) -> Double) {
    let scored = hits.map { (hit: $0, score: score($0)) }
    hits = scored.sorted {
      $0.score != $1.score ? $0.score > $1.score : $0.hit.picture < $1.hit.picture
    }.map(\.hit)
  }
}
