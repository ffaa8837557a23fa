internal import BLIP
internal import Tensors

/// ITC during a run: the objective with its queue, and the momentum model that fills it.
struct MomentumContrast: Sendable {
  private var momentum: MomentumModel
  var objective: ContrastiveObjective

  init(of student: TrainableModel, _ objective: ContrastiveObjective) {
    momentum = MomentumModel(of: student)
    self.objective = objective
  }

  /// Moves the momentum model towards the student: once before every step of the run.
  mutating func follow(_ student: inout TrainableModel, _ freezing: Freezing) {
    momentum.follow(&student, freezing)
  }

  /// The objective over a batch.
  /// - Parameters:
  ///   - images: The student's, `[B, width]`, as texts.
  ///   - imagesAreMomentum: Whether they are also the momentum model's: those of a frozen encoder.
  ///   - dropout: The momentum model's own: it has dropout as the student has.
  mutating func callAsFunction(
    images: Matrix, texts: Matrix, _ batch: TrainingBatch, imagesAreMomentum: Bool,
    dropout: TextDropout?, temperature: Float, alpha: Float
  ) -> ContrastiveObjective.Outcome {
    let momentumImages =
      imagesAreMomentum
      ? images
      : momentum.model.encode(
        pictures: batch.pictures, classTokenOnly: true, savingActivations: false
      ).embeddings
    let momentumTexts = momentum.model.encode(
      texts: batch.texts, dropout: dropout, savingActivations: false
    ).embeddings
    return objective(
      .init(
        images: images, texts: texts, momentumImages: momentumImages,
        momentumTexts: momentumTexts, pictures: batch.pictureNumbers),
      temperature: temperature, alpha: alpha)
  }

  /// What a run needs to resume.
  func state(_ freezing: Freezing) -> [Parameter] {
    momentum.state(freezing) + objective.queue.state()
  }

  /// Restores what `state` returned.
  mutating func restore(_ freezing: Freezing, _ read: StateReader) throws {
    try momentum.restore(freezing, read)
    try objective.queue.restore(read)
  }
}
