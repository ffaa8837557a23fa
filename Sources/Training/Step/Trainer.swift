import Random
internal import Checkpoints
internal import Tensors

/// What changes from step to step.
public struct StepHyperparameters: Sendable {
  /// The learning rate.
  public var rate: Double
  /// α, the weight of the momentum model in ITC's targets.
  public var alpha: Float
  /// How hard ITM's negatives are, from 0 to 1.
  public var hardness: Double

  /// The hyperparameters of a step.
  public init(rate: Double, alpha: Float, hardness: Double = 1) {
    (self.rate, self.alpha, self.hardness) = (rate, alpha, hardness)
  }
}

/// Trains a model for BLIP's objectives, with all the state that a run keeps from step to step. Every
/// random choice is a function of the seed and of the step's number.
public struct Trainer: Sendable {
  /// The settings of a run.
  public struct Settings: Sendable {
    /// What is trained for.
    public var objective: Objective
    /// What is not trained, as `Freezing` takes it.
    public var frozen: [String] = []
    /// Which captions are ITC's positives. Where pictures have several captions `samePicture` is right
    /// in pre-training too: others of the same picture are not negatives.
    public var positives: ContrastiveObjective.Positives
    /// Number of embeddings of earlier batches that ITC keeps.
    public var queueCapacity = 57_600
    /// The dropout probability of the text side.
    public var dropout: Float = 0.1
    /// Number of a text's first tokens, [DEC] among them, that LM is given and does not predict.
    public var prompt = 1
    /// The norm that gradients are clipped to; nil for no clipping, as BLIP.
    public var clipping: Double?
    /// Of AdamW.
    public var weightDecay: Float = 0.05
    /// The seed of all random choices.
    public var seed: UInt64 = 0

    /// BLIP's settings for an objective.
    public init(_ objective: Objective) {
      self.objective = objective
      positives = objective == .pretrain ? .pair : .samePicture
    }

    /// Limits the queue to half of a set's pairs, so that it seldom holds a pair of the batch.
    public mutating func limitQueue(pairs: Int) { queueCapacity = min(queueCapacity, pairs / 2) }
  }

  /// The model as it is now.
  public internal(set) var model: TrainableModel
  /// The settings of the run.
  public let settings: Settings
  /// Number of steps made.
  public var steps: Int { optimizer.steps }
  let freezing: Freezing
  /// Whether anything of a unimodal encoder is trained; its backward pass is not run otherwise.
  let trainsVision, trainsText: Bool
  var contrast: MomentumContrast?
  private var optimizer: Optimizer

  /// Prepares to train a model from its first step.
  /// - Throws: If the settings freeze unknown parameters, or all.
  public init(_ model: TrainableModel, _ settings: Settings) throws(TrainingError) {
    self.model = model
    self.settings = settings
    let names = self.model.parameterNames()
    let freezing = try Freezing(settings.frozen, objective: settings.objective, parameters: names)
    self.freezing = freezing
    trainsVision = names.contains { Tower.vision.has($0) && !freezing.contains($0) }
    trainsText = names.contains { Tower.text.has($0) && !freezing.contains($0) }
    optimizer = Optimizer(weightDecay: settings.weightDecay, clipping: settings.clipping)
    guard settings.objective != .caption else { return }
    contrast = MomentumContrast(
      of: model,
      ContrastiveObjective(
        settings.positives, capacity: settings.queueCapacity,
        width: model.configuration.embeddingSize,
        random: CounterRandom(key: settings.seed).part(-1)))
  }

  /// Makes one step with the mean gradient of micro-batches.
  /// - Returns: The losses, means over the micro-batches, and the norm of the gradient before
  ///   clipping.
  /// - Throws: If a batch has only one picture, a text cannot be run, or the gradient is not finite;
  ///   the model is then unchanged.
  public mutating func step(
    _ microBatches: [TrainingBatch], _ hyperparameters: StepHyperparameters
  ) throws(TrainingError) -> (losses: Losses, gradientNorm: Double) {
    try step(microBatches, hyperparameters, negatives: nil)
  }

  /// The same, with the negatives of every micro-batch given.
  mutating func step(
    _ microBatches: [TrainingBatch], _ hyperparameters: StepHyperparameters,
    negatives: [Negatives]?
  ) throws(TrainingError) -> (losses: Losses, gradientNorm: Double) {
    model.temperature = min(max(model.temperature, 0.001), 0.5)
    contrast?.follow(&model, freezing)
    let random = CounterRandom(key: settings.seed).part(steps)
    var gradient = model.zeros()
    var losses: [Losses] = []
    for (index, batch) in microBatches.enumerated() {
      losses.append(
        try run(
          batch, hyperparameters, negatives: negatives?[index], random: random.part(index),
          into: &gradient))
    }
    var parameters = model.takeParameters()
    defer { model.putParameters(parameters) }
    let norm = try optimizer.update(
      &parameters, gradients: gradient.takeParameters(), microBatches: microBatches.count,
      rate: hyperparameters.rate, freezing: freezing)
    return (.mean(losses), norm)
  }
}

// MARK: - State

extension Trainer {
  /// What a run needs besides the model's parameters to resume bit for bit: the optimizer's moments,
  /// the momentum model and the queue.
  func state() -> [Parameter] {
    optimizer.state() + (contrast?.state(freezing) ?? [])
  }

  /// Restores what `state` returned; the model has to be the one of that time already.
  /// - Throws: What `read` throws, and if the state is damaged.
  mutating func restore(_ read: StateReader) throws {
    let parameters = model.takeParameters()
    model.putParameters(parameters)
    try optimizer.restore(parameters.filter { !freezing.contains($0.name) }, read)
    try contrast?.restore(freezing, read)
  }
}

extension TrainableModel {
  /// The names of all trainable parameters.
  fileprivate mutating func parameterNames() -> [String] {
    let parameters = takeParameters()
    defer { putParameters(parameters) }
    return parameters.map(\.name)
  }
}
