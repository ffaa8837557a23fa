internal import RankingMetrics

/// What a run reports.
public enum RunEvent: Sendable {
  /// A note for the user, one line.
  case note(String)
  /// A picture was left out: its path and the reason.
  case failed(String, String)
  /// Number of pictures that the frozen stem has been run over.
  case caching(done: Int, of: Int)
  /// A step is complete.
  case step(StepReport)
  /// The held-out pictures are being evaluated: the share that is done, from 0 to 1.
  case evaluating(Double)
  /// An epoch's model was evaluated, and whether it is the best so far.
  case evaluated(EvaluationReport, isBest: Bool)
}

/// A step, as the log keeps it.
public struct StepReport: Sendable, Equatable, Codable {
  /// Number of steps made, including this one.
  public var step: Int
  /// From 1.
  public var epoch: Int
  /// Estimated number of steps of the whole run.
  public var steps: Int
  /// Losses; nil for those that the objective does not have.
  public var itc, itm, lm: Double?
  /// Their sum.
  public var loss: Double
  /// The learning rate.
  public var rate: Double
  /// The norm of the gradient, before clipping.
  public var gradientNorm: Double
  /// ITC's temperature.
  public var temperature: Double
  /// Pairs of a picture and a caption per second.
  public var pairsPerSecond: Double
  /// Pairs in the step.
  public var pairs: Int
}

/// A model's evaluation on the held-out pictures, as the log keeps it.
public struct EvaluationReport: Sendable, Equatable, Codable {
  /// Recall in percent.
  public struct Recall: Sendable, Equatable, Codable {
    /// Picture → text.
    public var txt_r1, txt_r5, txt_r10: Double
    /// Text → picture.
    public var img_r1, img_r5, img_r10: Double

    /// The values of metrics.
    init(_ metrics: RetrievalMetrics) {
      (txt_r1, txt_r5) = (metrics["txt_r1"], metrics["txt_r5"])
      (txt_r10, img_r1) = (metrics["txt_r10"], metrics["img_r1"])
      (img_r5, img_r10) = (metrics["img_r5"], metrics["img_r10"])
    }

    /// The mean of the six.
    public var mean: Double { (txt_r1 + txt_r5 + txt_r10 + img_r1 + img_r5 + img_r10) / 6 }
  }

  /// Steps made before it.
  public var step: Int
  /// From 1.
  public var epoch: Int
  /// Number of held-out pictures, and of captions used as queries.
  public var pictures, captions: Int
  /// By ITC alone; nil for a captioner.
  public var itc: Recall?
  /// After ITM on the best 16.
  public var itm: Recall?
  /// The weight of the ITC cosine relative to the match logit.
  public var itcWeight: Float?
  /// The language-model loss; nil if it is not trained.
  public var lm: Double?

  /// The score by which the best model is chosen.
  public var score: Double { itm?.mean ?? -(lm ?? .infinity) }
}
