/// What a run tells while it goes on.
public enum RunEvent: Sendable {
  /// Something worth a line.
  case note(String)
  /// A picture is left out: its path and the reason.
  case failed(String, String)
  /// The frozen stem was run over so many of the pictures.
  case caching(done: Int, of: Int)
  /// A step was made.
  case step(StepReport)
  /// The held-out pictures are being gone through: so much of it is done, from 0 to 1.
  case evaluating(Double)
  /// An epoch's model was measured, and whether it is the best so far.
  case evaluated(EvaluationReport, isBest: Bool)
}

/// A step, as the log keeps it.
public struct StepReport: Sendable, Equatable, Codable {
  /// Steps made, this one too.
  public var step: Int
  /// From 1.
  public var epoch: Int
  /// Steps of the whole run, as far as can be said.
  public var steps: Int
  /// Losses; nil for what the objective does not have.
  public var itc, itm, lm: Double?
  /// Their sum.
  public var loss: Double
  /// The learning rate.
  public var rate: Double
  /// Of the gradient, before clipping.
  public var gradientNorm: Double
  /// ITC's temperature.
  public var temperature: Double
  /// Pairs of a picture and a caption a second.
  public var pairsPerSecond: Double
  /// Pairs in the step.
  public var pairs: Int
}

/// What a model does with the held-out pictures, as the log keeps it.
public struct EvaluationReport: Sendable, Equatable, Codable {
  /// Shares of queries, in percent, whose answer is among the first 1, 5 and 10.
  public struct Recall: Sendable, Equatable, Codable {
    /// Picture → text.
    public var txt_r1 = 0.0, txt_r5 = 0.0, txt_r10 = 0.0
    /// Text → picture.
    public var img_r1 = 0.0, img_r5 = 0.0, img_r10 = 0.0

    /// The mean of the six.
    public var mean: Double { (txt_r1 + txt_r5 + txt_r10 + img_r1 + img_r5 + img_r10) / 6 }
  }

  /// Steps made before it.
  public var step: Int
  /// From 1.
  public var epoch: Int
  /// Held-out pictures, and captions that were looked for with.
  public var pictures, captions: Int
  /// By ITC alone; nil for a captioner.
  public var itc: Recall?
  /// After ITM on the best 16.
  public var itm: Recall?
  /// What the cosine counted beside the match logit.
  public var itcWeight: Float?
  /// The language model's loss; nil where it is not trained.
  public var lm: Double?

  /// What the best model has most of.
  public var score: Double { itm?.mean ?? -(lm ?? .infinity) }
}
