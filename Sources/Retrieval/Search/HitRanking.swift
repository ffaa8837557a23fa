package import BLIP
package import Checkpoints

/// How a search orders hits, and what it says of them.
///
/// A calibrated model orders all hits by the probability that they are right. Without a calibration,
/// reranked hits are ordered by match logit + weight × cosine (BLIP's train_retrieval.py), before the
/// others, which are ordered by cosine; what has all words of the query, a rare one among them, comes first.
package struct HitRanking: Sendable {
  /// Of hits of this kind; nil for a model that was not calibrated.
  package let calibration: HitCalibration.Kind?
  /// What the cosine counts beside the match logit, without a calibration.
  package let itcWeight: Float
  /// What words count where the calibration does not say.
  private let usualWords: WordCalibration

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
      itcWeight: configuration.itcWeight, usualWords: isPhrase ? .phrases : .sentences)
  }

  /// What is known of the texts that a picture finds.
  package static func texts(_ configuration: ModelConfiguration) -> HitRanking {
    HitRanking(
      calibration: configuration.calibration?.texts, itcWeight: configuration.itcWeight)
  }

  /// A given ranking.
  package init(
    calibration: HitCalibration.Kind?, itcWeight: Float, usualWords: WordCalibration = .sentences
  ) {
    (self.calibration, self.itcWeight, self.usualWords) = (calibration, itcWeight, usualWords)
  }

  /// Where a hit stands.
  /// - Parameters:
  ///   - cosine: Less the hubness, where that is known.
  ///   - words: What the index knows of the picture in words; nil where it knows no word of the query.
  package func rank(
    cosine: Double, match: MatchLogits?, words: WordCalibration.Scores? = nil
  ) -> HitRank {
    if let calibration {
      var logOdds = calibration.logOdds(match: match?.match, cosine: Float(cosine))
      if let words {
        let weights = calibration.words ?? usualWords
        logOdds = (match == nil ? weights.unreranked : weights.reranked).logOdds(logOdds, words)
      }
      return HitRank(stage: .cosine, score: logOdds, probability: probability(ofLogOdds: logOdds))
    }
    let isNamed = words?.namesRareThing ?? false
    guard let match else {
      return HitRank(stage: isNamed ? .named : .cosine, score: cosine, probability: nil)
    }
    return HitRank(
      stage: isNamed ? .named : .reranked,
      score: Double(match.score(cosine: Float(cosine), itcWeight: itcWeight)), probability: nil)
  }
}

/// Where a hit stands among others.
package struct HitRank: Sendable, Comparable {
  /// What a hit was judged by, where scores of different stages cannot be compared: the greater come first.
  package enum Stage: Int, Sendable, Comparable {
    case cosine
    case reranked
    /// By all words of the query, a rare one among them.
    case named

    package static func < (a: Stage, b: Stage) -> Bool { a.rawValue < b.rawValue }
  }

  /// What it was judged by; the same for all hits of a calibrated model.
  package let stage: Stage
  /// Hits of one search are ordered by it.
  package let score: Double
  /// How likely the hit is right, where the model is calibrated: the greater the score, the likelier.
  package let probability: Float?

  package static func < (a: HitRank, b: HitRank) -> Bool {
    a.stage == b.stage ? a.score < b.score : a.stage < b.stage
  }
}
