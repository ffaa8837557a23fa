package import BLIP
package import Checkpoints

/// How a search orders hits, and what it says of them.
///
/// A calibrated model orders all hits by the probability that they are right. Without a calibration,
/// reranked hits are ordered by match logit + weight × cosine (BLIP's train_retrieval.py), before the
/// others, which are ordered by cosine.
package struct HitRanking: Sendable {
  /// Of hits of this kind; nil for a model that was not calibrated.
  package let calibration: HitCalibration.Kind?
  /// What the cosine counts beside the match logit, without a calibration.
  package let itcWeight: Float

  /// What is known of the pictures that a text finds.
  /// - Parameters:
  ///   - isPhrase: Whether the text has at most `HitCalibration.longestPhrase` words.
  ///   - isHubCorrected: Whether cosines are less the pictures' hubness; a calibration without says nothing
  ///     of such.
  package static func pictures(
    _ configuration: ModelConfiguration, isPhrase: Bool, isHubCorrected: Bool
  ) -> HitRanking {
    let calibration = configuration.calibration.flatMap {
      $0.isHubCorrected == isHubCorrected ? $0 : nil
    }
    return HitRanking(
      calibration: isPhrase ? calibration?.phrases : calibration?.sentences,
      itcWeight: configuration.itcWeight)
  }

  /// What is known of the texts that a picture finds.
  package static func texts(_ configuration: ModelConfiguration) -> HitRanking {
    HitRanking(
      calibration: configuration.calibration?.texts, itcWeight: configuration.itcWeight)
  }

  /// A given ranking.
  package init(calibration: HitCalibration.Kind?, itcWeight: Float) {
    (self.calibration, self.itcWeight) = (calibration, itcWeight)
  }

  /// Where a hit stands.
  /// - Parameter cosine: Less the hubness, where that is known.
  package func rank(cosine: Double, match: MatchLogits?) -> HitRank {
    if let calibration {
      let logOdds = calibration.logOdds(match: match?.match, cosine: Float(cosine))
      return HitRank(
        isBefore: false, score: logOdds, probability: probability(ofLogOdds: logOdds))
    }
    guard let match else { return HitRank(isBefore: false, score: cosine, probability: nil) }
    return HitRank(
      isBefore: true, score: Double(match.score(cosine: Float(cosine), itcWeight: itcWeight)),
      probability: nil)
  }
}

/// Where a hit stands among others.
package struct HitRank: Sendable, Comparable {
  /// Whether it comes before those that are not, whatever their scores.
  package let isBefore: Bool
  /// Hits of one search are ordered by it.
  package let score: Double
  /// How likely the hit is right, where the model is calibrated: the greater the score, the likelier.
  package let probability: Float?

  package static func < (a: HitRank, b: HitRank) -> Bool {
    a.isBefore == b.isBefore ? a.score < b.score : b.isBefore
  }
}
