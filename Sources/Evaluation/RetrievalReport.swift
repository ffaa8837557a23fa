public import BLIP
public import Captions
internal import Retrieval

/// What an evaluation found.
public struct RetrievalReport: Sendable {
  /// At one rerank depth.
  public struct Depth: Sendable {
    /// BLIP's k_test; 0 is ITC alone.
    public let depth: Int
    /// Recall.
    public let metrics: RetrievalMetrics
    /// A search by text at this depth: the median of some, in milliseconds; nil where it was not timed.
    public let milliseconds: Double?
    /// The pairs of picture and text that both directions ask for.
    public let pairs: Int
  }

  /// A text that finds another picture before its own.
  public struct Failure: Sendable {
    /// By their places in the set: the text among all captions, its picture, and the one found.
    public let text, picture, found: Int
    /// Where its own picture stands, from 1.
    public let rank: Int
    /// Its logits with its own picture and with the one found.
    public let own, first: MatchLogits
  }

  /// What was evaluated.
  public let set: CaptionedSet
  /// The depths, least first.
  public let depths: [Depth]
  /// What the cosine counted beside the match logit.
  public let itcWeight: Float
  /// Pairs scored in this run, and those that earlier ones had scored.
  public let scored, scoredBefore: Int
  /// How long the scoring took.
  public let scoringSeconds: Double
  /// How long all of it took.
  public let seconds: Double
  /// What the match probabilities are worth; nil without reranking.
  public let matching: MatchAnalysis?
  /// The worst failures of text → picture at the greatest depth, the worst first; one a picture.
  public let failures: [Failure]

  static let failuresKept = 12
}
