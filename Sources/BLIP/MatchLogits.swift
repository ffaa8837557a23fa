internal import Glibc

/// The ITM head's answer for one (picture, text).
public struct MatchLogits: Sendable, Equatable {
  /// The logit of "no match".
  public let noMatch: Float
  /// The logit of "match", by which BLIP's evaluation ranks (plus the cosine).
  public let match: Float

  /// Softmax of the two.
  public var probability: Float { 1 / (1 + exp(noMatch - match)) }
}
