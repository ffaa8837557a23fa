internal import Glibc

/// The ITM head's output for a picture and a text.
public struct MatchLogits: Sendable, Equatable {
  /// The logit of "no match".
  public let noMatch: Float
  /// The logit of "match".
  public let match: Float

  /// Logits of the given values.
  public init(noMatch: Float, match: Float) { (self.noMatch, self.match) = (noMatch, match) }

  /// The score that orders reranked hits: the match logit plus the weighted ITC cosine
  /// (`ModelConfiguration.itcWeight`; 1 in BLIP's own evaluation).
  public func score(cosine: Float, itcWeight: Float) -> Float { match + itcWeight * cosine }

  /// Softmax of the two.
  public var probability: Float { probability(.none) }

  /// The probability of a match, calibrated.
  public func probability(_ calibration: MatchCalibration) -> Float {
    1 / (1 + exp((noMatch - match) / calibration.temperature - calibration.bias))
  }
}

/// A calibration of match probabilities: the difference of the logits is divided by a temperature (Guo
/// et al. 2017, section 4.2) and, where that pays, shifted by a bias (Platt 1999).
public struct MatchCalibration: Sendable, Equatable {
  /// Above 0.
  public let temperature: Float
  /// Added after dividing by the temperature.
  public let bias: Float

  /// Nil for a temperature that is not above 0, or values that are not finite.
  public init?(temperature: Float, bias: Float) {
    guard temperature > 0, temperature.isFinite, bias.isFinite else { return nil }
    (self.temperature, self.bias) = (temperature, bias)
  }

  private init() { (temperature, bias) = (1, 0) }

  /// The plain softmax.
  public static let none = MatchCalibration()
}
