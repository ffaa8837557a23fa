internal import Checkpoints
internal import RankingMetrics

/// Weights of words, fitted to hits of one kind.
struct WordRegression {
  /// What is known of such hits without words.
  private let kind: HitCalibration.Kind

  init(_ kind: HitCalibration.Kind) { self.kind = kind }

  private func base(_ hit: WordHit, isReranked: Bool) -> Double {
    kind.logOdds(match: isReranked ? hit.match.map { Float($0) } : nil, cosine: Float(hit.cosine))
  }

  /// The weights of hits that were reranked, or of all by their cosine; nil if no weight makes right hits
  /// likelier.
  func weights(_ answers: [WordAnswer], isReranked: Bool) -> WordCalibration.Weights? {
    let samples = answers.flatMap(\.hits).compactMap { hit -> LabelledFeatures? in
      guard let caption = hit.scores.caption, !isReranked || hit.match != nil else { return nil }
      let scores = hit.scores
      return LabelledFeatures(
        [
          base(hit, isReranked: isReranked), Double(scores.score), Double(scores.coverage),
          Double(scores.rarest), Double(caption), scores.isComplete ? 1 : 0,
        ], isMatch: hit.isRight)
    }
    guard let fitted = LogisticRegression(fitting: samples) else { return nil }
    let w = fitted.weights.map { Float($0) }
    return WordCalibration.Weights(
      scale: w[0], score: w[1], coverage: w[2], rarest: w[3], caption: w[4],
      complete: w[5], bias: Float(fitted.bias))
  }

  /// The log-odds of a hit; without weights, those without words.
  func logOdds(_ hit: WordHit, _ weights: WordCalibration.Weights?, isReranked: Bool) -> Double {
    let base = base(hit, isReranked: isReranked)
    return weights?.logOdds(base, hit.scores) ?? base
  }
}
