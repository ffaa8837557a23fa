internal import Tensors

/// ITC as a run has it: the objective with its queue, and the momentum model that fills it.
struct MomentumContrast: Sendable {
  private var momentum: MomentumModel
  var objective: ContrastiveObjective

  init(of network: Network, _ objective: ContrastiveObjective) {
    momentum = MomentumModel(of: network)
    self.objective = objective
  }

  /// The momentum model takes a step after the student: once before every step of the run.
  mutating func follow(_ student: inout Network, _ freezing: Freezing) {
    momentum.follow(&student, freezing)
  }

  /// The objective over a batch.
  /// - Parameters:
  ///   - images: The student's, `[B, width]`, as texts.
  ///   - imagesAreMomentum: Whether they are the momentum model's too: of a frozen encoder.
  ///   - dropout: The momentum model's own: it is run as the student is.
  mutating func callAsFunction(
    images: Matrix, texts: Matrix, _ batch: TrainingBatch, imagesAreMomentum: Bool,
    dropout: DropoutPlan?, temperature: Float, alpha: Float
  ) -> ContrastiveObjective.Outcome {
    let momentumImages =
      imagesAreMomentum
      ? images
      : momentum.network.encode(pictures: batch.pictures, keeping: false, features: false)
        .embeddings
    let momentumTexts = momentum.network.encode(
      texts: batch.texts, dropout: dropout, keeping: false
    ).embeddings
    return objective(
      .init(
        images: images, texts: texts, momentumImages: momentumImages,
        momentumTexts: momentumTexts, pictures: batch.pictureNumbers),
      temperature: temperature, alpha: alpha)
  }

  /// What a run needs to go on.
  func state(_ freezing: Freezing) -> [Parameter] {
    momentum.state(freezing) + objective.queue.state()
  }

  /// Takes back what `state` gave.
  mutating func restore(_ freezing: Freezing, _ read: StateReader) throws {
    try momentum.restore(freezing, read)
    try objective.queue.restore(read)
  }
}
