/// How a run trains: all that its result depends on, besides the initial model and the pictures.
public struct RunSettings: Sendable, Equatable, Codable {
  /// What the model is trained to do.
  public var objective: Objective
  /// Passes over the captions.
  public var epochs: Int
  /// Pairs in a batch.
  public var batch = 64
  /// Gradient accumulation: batches per optimizer step.
  public var accumulation = 1
  /// The highest learning rate.
  public var rate: Double
  /// Warm-up steps, in which the rate rises from nearly 0.
  public var warmUp: Int
  /// What the rate is multiplied by after an epoch; nil for a decay by half a cosine.
  public var decay: Double?
  /// What is not trained: `stem`, `vision`, `text`, or prefixes of parameters' names.
  public var frozen: [String] = []
  /// Number of augmented views of every picture in the stem's cache, besides the plain one.
  public var views = 4
  /// The smallest share of a picture's area that a crop shows.
  public var smallestCrop: Double
  /// Capacity of ITC's queue.
  public var queue = 57_600
  /// Epochs over which the momentum model's weight in ITC's targets rises.
  public var alphaEpochs: Int
  /// Epochs over which ITM's negatives ramp from random to hard.
  public var hardeningEpochs = 0.0
  /// The dropout probability of the text side.
  public var dropout = 0.1
  /// The norm that gradients are clipped to; nil for no clipping.
  public var clipping: Double?
  /// The share of the pictures that is held out for evaluation.
  public var heldOut = 0.05
  /// The seed of all random choices.
  public var seed: UInt64 = 1

  /// BLIP's settings for an objective.
  public init(_ objective: Objective, epochs: Int) {
    self.objective = objective
    self.epochs = epochs
    let isPretraining = objective == .pretrain
    rate = isPretraining ? 3e-4 : 1e-5
    warmUp = isPretraining ? 3000 : 0
    decay = isPretraining ? 0.9 : nil
    smallestCrop = isPretraining ? 0.2 : 0.5
    alphaEpochs = isPretraining ? 2 : 1
  }

  /// Whether the last layers of a convolutional stem are trained.
  var trainsStem: Bool { !frozen.contains("stem") && !frozen.contains("vision") }

  var schedule: Schedule {
    Schedule(
      peak: rate, minimum: decay == nil ? 0 : min(1e-6, rate),
      decay: decay.map { .factor($0) } ?? .cosine(epochs: epochs), start: min(1e-6, rate),
      warmUpSteps: warmUp)
  }

  /// The hyperparameters of a step.
  /// - Parameter step: Counted from the start of the run.
  func hyperparameters(step: Int, epoch: Int, stepsInEpoch: Int) -> StepHyperparameters {
    let ramp = hardeningEpochs * Double(stepsInEpoch)
    return StepHyperparameters(
      rate: schedule.rate(epoch: epoch, step: step, stepsInEpoch: stepsInEpoch),
      alpha: AlphaRamp(epochs: alphaEpochs).alpha(step: step, stepsPerEpoch: stepsInEpoch),
      hardness: ramp > 0 ? min(1, Double(step) / ramp) : 1)
  }

  /// Whether a run with these settings cannot resume one with others: all but `epochs` must agree.
  func differs(from other: RunSettings) -> Bool {
    var same = other
    same.epochs = epochs
    return same != self
  }
}

extension Objective: Codable {}
