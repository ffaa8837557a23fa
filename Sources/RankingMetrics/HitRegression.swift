/// What the two stages of a search say of a hit, and whether it is right.
public struct LabelledHit: Sendable {
  /// The match logit.
  public let match: Double
  /// The cosine, less the picture's hubness where searches are corrected for it.
  public let cosine: Double
  /// Whether it is an answer to the query.
  public let isRight: Bool

  /// A hit with its label.
  public init(match: Double, cosine: Double, isRight: Bool) {
    (self.match, self.cosine, self.isRight) = (match, cosine, isRight)
  }
}

/// How likely hits are right, by match logit and cosine, and by cosine alone.
public struct HitRegression: Sendable {
  /// Of match logit and cosine.
  public let reranked: LogisticRegression
  /// Of the cosine.
  public let byCosine: LogisticRegression

  /// Nil if a greater cosine makes a hit no likelier to be right.
  public init?(fitting hits: [LabelledHit]) {
    let both = LogisticRegression(
      fitting: hits.map { LabelledFeatures([$0.match, $0.cosine], isMatch: $0.isRight) })
    let cosine = LogisticRegression(
      fitting: hits.map { LabelledFeatures([$0.cosine], isMatch: $0.isRight) })
    guard let both, let cosine else { return nil }
    (reranked, byCosine) = (both, cosine)
  }
}
