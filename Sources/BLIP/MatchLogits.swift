internal import Glibc

/// The ITM head's answer for one (picture, text).
public struct MatchLogits: Sendable, Equatable {
  /// The logit of "no match".
  public let noMatch: Float
  /// The logit of "match".
  public let match: Float

  /// What a reranked hit is ordered by: the match logit and, weighed as the model says
  /// (`ModelConfiguration.itcWeight`; 1 in BLIP's own evaluation), the ITC cosine.
  public func score(cosine: Float, itcWeight: Float) -> Float { match + itcWeight * cosine }

  /// Softmax of the two.
  public var probability: Float { 1 / (1 + exp(noMatch - match)) }
}
