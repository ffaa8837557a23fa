public import BLIP
public import Captions
public import RankingMetrics
public import Store

/// The results of an evaluation.
public struct RetrievalReport: Sendable {
  /// The results at one rerank depth.
  public struct Depth: Sendable {
    /// BLIP's k_test; 0 is ITC alone.
    public let depth: Int
    /// Recall.
    public let metrics: RetrievalMetrics
    /// Median latency of a search by text at this depth in milliseconds; nil if it was not timed.
    public let milliseconds: Double?
    /// Number of pairs of picture and text that both directions need.
    public let pairs: Int
  }

  /// A text for which another picture ranks before its own.
  public struct Failure: Sendable {
    /// Indices in the set: of the text among all captions, of its picture, and of the one found.
    public let text, picture, found: Int
    /// The rank of its own picture, from 1.
    public let rank: Int
    /// Its logits with its own picture and with the one found.
    public let own, first: MatchLogits
  }

  /// The set that the model was evaluated on.
  public let set: CaptionedSet
  /// The model.
  public let model: IndexedModel
  /// The number format that it was computed in.
  public let precision: Precision
  /// The results by depth, in ascending order.
  public let depths: [Depth]
  /// The weight of the cosine relative to the match logit; nil if pictures were ordered by the model's
  /// calibration.
  public let itcWeight: Float?
  /// Whether cosines of pictures were corrected for hubs.
  public let isHubCorrected: Bool
  /// Number of pairs scored in this run, and by earlier ones.
  public let scored, scoredBefore: Int
  /// Duration of the scoring.
  public let scoringSeconds: Double
  /// Duration of the evaluation.
  public let seconds: Double
  /// The reliability of the probabilities; nil without reranking.
  public let matching: MatchAnalysis?
  /// The worst failures of text → picture at the greatest depth, the worst first; one per picture.
  public let failures: [Failure]

  static let failuresKept = 12
}
