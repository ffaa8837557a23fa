internal import Glibc

/// The ITM head's answer for one (picture, text).
public struct MatchLogits: Sendable, Equatable {
  /// The logit of "no match".
  public let noMatch: Float
  /// The logit of "match".
  public let match: Float

  /// The two.
  public init(noMatch: Float, match: Float) { (self.noMatch, self.match) = (noMatch, match) }

  /// What a reranked hit is ordered by: the match logit and, weighed as the model says
  /// (`ModelConfiguration.itcWeight`; 1 in BLIP's own evaluation), the ITC cosine.
  public func score(cosine: Float, itcWeight: Float) -> Float { match + itcWeight * cosine }

  /// Softmax of the two.
  public var probability: Float { probability(.none) }

  /// The probability of a match, calibrated.
  public func probability(_ calibration: MatchCalibration) -> Float {
    1 / (1 + exp((noMatch - match) / calibration.temperature - calibration.bias))
  }
}

/// What makes the softmax of the match logits as likely as it says: their difference is divided by a
/// temperature (Guo et al. 2017, section 4.2) and, where that pays, shifted by a bias (Platt 1999).
public struct MatchCalibration: Sendable, Equatable {
  /// Over 0.
  public let temperature: Float
  /// Added to what the temperature makes of the difference.
  public let bias: Float

  /// Nil for a temperature that is not over 0, or numbers that are not finite.
  public init?(temperature: Float, bias: Float) {
    guard temperature > 0, temperature.isFinite, bias.isFinite else { return nil }
    (self.temperature, self.bias) = (temperature, bias)
  }

  private init() { (temperature, bias) = (1, 0) }

  /// The plain softmax.
  public static let none = MatchCalibration()
}
