internal import Checkpoints
internal import Tensors

/// A network being trained towards BLIP's objectives, with all that a run keeps from step to step.
/// Every random choice is a function of the seed and of the step's number.
public struct Trainer: Sendable {
  /// How a run is set up.
  public struct Settings: Sendable {
    /// What is trained for.
    public var objective: Objective
    /// What stays as it is, as `Freezing` takes it.
    public var frozen: [String] = []
    /// What ITC's one-hot targets say. In pre-training too `samePicture` is right where pictures
    /// have several captions: others of the same picture are no negatives then.
    public var positives: ContrastiveObjective.Positives
    /// How many embeddings of earlier batches ITC keeps.
    public var queueCapacity = 57_600
    /// The share that is left out of the text side.
    public var dropout: Float = 0.1
    /// How many of a text's first tokens LM is given and does not predict, [DEC] among them.
    public var prompt = 1
    /// The norm that gradients are clipped to; nil: none, as BLIP.
    public var clipping: Double?
    /// Of AdamW.
    public var weightDecay: Float = 0.05
    /// What all random choices start from.
    public var seed: UInt64 = 0

    /// BLIP's settings for an objective.
    public init(_ objective: Objective) {
      self.objective = objective
      positives = objective == .pretrain ? .pair : .samePicture
    }

    /// Keeps the queue to half of a set's pairs, so that it seldom holds a pair that the batch has.
    public mutating func limitQueue(pairs: Int) { queueCapacity = min(queueCapacity, pairs / 2) }
  }

  /// What changes from step to step.
  public struct Pace: Sendable {
    /// The learning rate.
    public var rate: Double
    /// How much of ITC's targets the momentum model sets.
    public var alpha: Float
    /// How hard ITM's negatives are, from 0 to 1.
    public var hardness: Double

    /// The settings of a step.
    public init(rate: Double, alpha: Float, hardness: Double = 1) {
      (self.rate, self.alpha, self.hardness) = (rate, alpha, hardness)
    }
  }

  /// The network as it is now.
  public internal(set) var network: Network
  /// How the run is set up.
  public let settings: Settings
  /// How many steps were made.
  public var steps: Int { optimizer.steps }
  let freezing: Freezing
  /// Whether anything of a unimodal encoder is trained; its way back is not run otherwise.
  let trainsVision, trainsText: Bool
  var contrast: MomentumContrast?
  private var optimizer: Optimizer

  /// Gets ready to train a network from its first step.
  /// - Throws: Where the settings freeze what there is not, or everything.
  public init(_ network: Network, _ settings: Settings) throws(TrainingError) {
    self.network = network
    self.settings = settings
    let names = self.network.parameterNames()
    let freezing = try Freezing(settings.frozen, objective: settings.objective, parameters: names)
    self.freezing = freezing
    trainsVision = names.contains { Tower.vision.has($0) && !freezing.contains($0) }
    trainsText = names.contains { Tower.text.has($0) && !freezing.contains($0) }
    optimizer = Optimizer(weightDecay: settings.weightDecay, clipping: settings.clipping)
    guard settings.objective != .caption else { return }
    contrast = MomentumContrast(
      of: network,
      ContrastiveObjective(
        settings.positives, capacity: settings.queueCapacity,
        width: network.configuration.embeddingSize,
        random: CounterRandom(key: settings.seed).part(-1)))
  }

  /// Makes one step by the mean gradient of micro-batches.
  /// - Returns: The losses, means over the micro-batches, and the norm of the gradient before
  ///   clipping.
  /// - Throws: Where a batch shows one picture only, a text cannot be run, or the gradient is not
  ///   finite; the network is then as it was.
  public mutating func step(
    _ microBatches: [TrainingBatch], _ pace: Pace
  ) throws(TrainingError) -> (losses: Losses, gradientNorm: Double) {
    try step(microBatches, pace, negatives: nil)
  }

  /// The same, with the negatives of every micro-batch given.
  mutating func step(
    _ microBatches: [TrainingBatch], _ pace: Pace, negatives: [Negatives]?
  ) throws(TrainingError) -> (losses: Losses, gradientNorm: Double) {
    network.temperature = min(max(network.temperature, 0.001), 0.5)
    contrast?.follow(&network, freezing)
    let random = CounterRandom(key: settings.seed).part(steps)
    var gradient = network.zeros()
    var losses: [Losses] = []
    for (index, batch) in microBatches.enumerated() {
      losses.append(
        try run(
          batch, pace, negatives: negatives?[index], random: random.part(index),
          into: &gradient))
    }
    var parameters = network.takeParameters()
    defer { network.putParameters(parameters) }
    let norm = try optimizer.update(
      &parameters, gradients: gradient.takeParameters(), microBatches: microBatches.count,
      rate: pace.rate, freezing: freezing)
    return (.mean(losses), norm)
  }
}

// MARK: - State

extension Trainer {
  /// What a run needs beside the network's own parameters to go on bit for bit: the optimiser's
  /// moments, the momentum model and the queue.
  public func state() -> [Parameter] {
    optimizer.state() + (contrast?.state(freezing) ?? [])
  }

  /// Takes back what `state` gave; the network has to be the one of that time already.
  /// - Throws: What `read` throws, and where the state is damaged.
  public mutating func restore(_ read: StateReader) throws {
    let parameters = network.takeParameters()
    network.putParameters(parameters)
    try optimizer.restore(parameters.filter { !freezing.contains($0.name) }, read)
    try contrast?.restore(freezing, read)
  }
}

extension Network {
  /// The names of all trainable parameters.
  fileprivate mutating func parameterNames() -> [String] {
    let parameters = takeParameters()
    defer { putParameters(parameters) }
    return parameters.map(\.name)
  }
}
