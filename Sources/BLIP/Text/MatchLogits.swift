internal import Glibc

/// The ITM head's output for a picture and a text.
public struct MatchLogits: Sendable, Equatable {
  /// The logit of "no match".
  public let noMatch: Float
  /// The logit of "match".
  public let match: Float

  /// Logits of the given values.
  public init(noMatch: Float, match: Float) { (self.noMatch, self.match) = (noMatch, match) }

  /// BLIP's own score of a reranked hit: the match logit plus the weighted ITC cosine
  /// (`ModelConfiguration.itcWeight`; 1 in BLIP's own evaluation).
  public func score(cosine: Float, itcWeight: Float) -> Float { match + itcWeight * cosine }

  /// Softmax of the two.
  public var probability: Float { 1 / (1 + exp(noMatch - match)) }
}
