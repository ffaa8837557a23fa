/// How a run trains: all that its result depends on, besides the model it starts from and the
/// pictures.
public struct RunSettings: Sendable, Equatable, Codable {
  /// What the model is trained to do.
  public var objective: Objective
  /// Passes over the captions.
  public var epochs: Int
  /// Pairs in a batch.
  public var batch = 64
  /// Batches whose gradients make one step together.
  public var accumulation = 1
  /// The highest learning rate.
  public var rate: Double
  /// Steps in which the rate climbs from nearly nothing.
  public var warmUp: Int
  /// What the rate is multiplied by after an epoch; nil: it falls by half a cosine.
  public var decay: Double?
  /// What stays as it is: `stem`, `vision`, `text`, or beginnings of parameters' names.
  public var frozen: [String] = []
  /// Augmented views of every picture that the stem's cache holds besides the plain one.
  public var views = 4
  /// The smallest share of a picture that a view shows.
  public var smallestCrop: Double
  /// Embeddings that ITC's queue keeps.
  public var queue = 57_600
  /// Epochs in which ITC's targets come to be set by the momentum model.
  public var alphaEpochs: Int
  /// Epochs in which ITM's negatives go from random ones to hard ones.
  public var hardeningEpochs = 0.0
  /// The share that dropout leaves out of the text side.
  public var dropout = 0.1
  /// The norm that gradients are scaled down to; nil: they are not.
  public var clipping: Double?
  /// The share of the pictures that is held out to measure with.
  public var heldOut = 0.05
  /// What all random choices start from.
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

  /// How fast a step learns what.
  /// - Parameter step: Counted from the start of the run.
  func pace(step: Int, epoch: Int, stepsInEpoch: Int) -> Trainer.Pace {
    let ramp = hardeningEpochs * Double(stepsInEpoch)
    return Trainer.Pace(
      rate: schedule.rate(epoch: epoch, step: step, stepsInEpoch: stepsInEpoch),
      alpha: AlphaRamp(epochs: alphaEpochs).alpha(step: step, stepsPerEpoch: stepsInEpoch),
      hardness: ramp > 0 ? min(1, Double(step) / ramp) : 1)
  }

  /// What two runs must have in common for the one to go on with the other.
  func differs(from other: RunSettings) -> Bool {
    var same = other
    same.epochs = epochs
    return same != self
  }
}

extension Objective: Codable {}
