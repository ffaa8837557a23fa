import Tensors
import TestSupport
import Testing

@testable import Training

/// What a step promises beside its arithmetic, which `TrajectoryTests` hold against PyTorch.
@Suite(.ownsProcess) struct TrainerTests {
  private let set: TinySet

  init() throws { set = try TinySet(Reference("trajectory.safetensors")) }

  private func trainer(
    _ objective: Objective, frozen: [String] = [], dropout: Float = 0, seed: UInt64 = 5
  ) throws -> Trainer {
    var settings = Trainer.Settings(objective)
    (settings.frozen, settings.dropout, settings.seed) = (frozen, dropout, seed)
    settings.queueCapacity = 8
    return try Trainer(tinyModel(), settings)
  }

  private func parameters(_ trainer: Trainer) -> [Parameter] {
    var model = trainer.model
    return model.takeParameters()
  }

  private let hyperparameters = StepHyperparameters(rate: 1e-3, alpha: 0.3, hardness: 0.5)

  @Test(arguments: Objective.allCases) func goesOnBitForBit(objective: Objective) throws {
    var straight = try trainer(objective, frozen: ["text_encoder.embeddings."], dropout: 0.1)
    let batches = [[0, 2, 5, 9, 13], [1, 3, 4, 8, 20], [7, 22, 16, 2, 10], [6, 0, 12, 15, 19]]
      .map(set.batch)
    for batch in batches[..<2] { _ = try straight.step([batch], hyperparameters) }

    let state = Dictionary(uniqueKeysWithValues: straight.state().map { ($0.name, $0) })
    var resumed = try trainer(objective, frozen: ["text_encoder.embeddings."], dropout: 0.1)
    resumed.model = straight.model
    try resumed.restore { name, shape in
      let array = try #require(state[name], "no \(name)")
      #expect(array.shape == shape, "\(name)")
      return array.values
    }
    #expect(resumed.steps == 2)

    for batch in batches[2...] {
      let (a, b) = (
        try straight.step([batch], hyperparameters), try resumed.step([batch], hyperparameters)
      )
      #expect(a.losses == b.losses && a.gradientNorm == b.gradientNorm)
    }
    let pairs = zip(
      parameters(straight) + straight.state(), parameters(resumed) + resumed.state())
    for (a, b) in pairs {
      #expect(a.name == b.name && a.values.elementsEqual(b.values), "\(a.name)")
    }
  }

  @Test func anotherSeedMakesAnotherStep() throws {
    let batch = set.batch([0, 2, 5, 9])
    var (a, b) = (try trainer(.pretrain, seed: 5), try trainer(.pretrain, seed: 6))
    #expect(
      try a.step([batch], hyperparameters).losses != (try b.step([batch], hyperparameters).losses))
  }

  @Test func microBatchesMakeTheStepOfTheirMean() throws {
    // Captions of one length, so that the mean of two means is the mean of all tokens.
    let length = set.captions[0].count
    let alike = set.captions.indices.filter { set.captions[$0].count == length }
    try #require(alike.count >= 2)
    let (first, second) = (alike[0], alike[1])
    var whole = try trainer(.caption)
    var parts = try trainer(.caption)
    let together = try whole.step([set.batch([first, second])], hyperparameters)
    let apart = try parts.step([set.batch([first]), set.batch([second])], hyperparameters)
    #expect(abs(together.losses.total - apart.losses.total) < 1e-5)
    #expect(abs(together.gradientNorm - apart.gradientNorm) < 1e-4 * together.gradientNorm)
    #expect(parts.steps == 1)
    // AdamW's first step is by the gradient's sign wherever there is a gradient: compare the means
    // that it keeps.
    for (a, b) in zip(whole.state(), parts.state()) where a.name.hasPrefix("optimizer.first") {
      let (difference, length) = distance(a.values, b.values)
      #expect(difference <= 1e-4 * length + 1e-8, "\(a.name)")
    }
  }

  @Test(arguments: [Objective.pretrain, .retrieval])
  func aFrozenImageEncoderStaysAndTheRestMovesAlike(objective: Objective) throws {
    let batch = set.batch([0, 2, 5, 9, 13, 20])
    var (free, frozen) = (
      try trainer(objective), try trainer(objective, frozen: ["vision"])
    )
    let before = parameters(frozen)
    let losses = (
      try free.step([batch], hyperparameters).losses,
      try frozen.step([batch], hyperparameters).losses
    )
    #expect(abs(losses.0.total - losses.1.total) < 1e-6)
    for (old, new) in zip(before, parameters(frozen)) where Tower.vision.has(new.name) {
      #expect(new.values.elementsEqual(old.values), "\(new.name)")
    }
    // The gradients of all others are the same but for the last bits: the momentum model of what
    // does not change is the model itself, and not its average.
    let moments = Dictionary(uniqueKeysWithValues: free.state().map { ($0.name, $0.values) })
    for moment in frozen.state() where moment.name.hasPrefix("optimizer.first.") {
      let (difference, length) = distance(moment.values, try #require(moments[moment.name]))
      #expect(difference <= 1e-4 * length + 1e-8, "\(moment.name)")
    }
    #expect(!frozen.state().contains { $0.name.contains(".vision_") })
  }

  @Test func retrievalLeavesTheDecoderAlone() throws {
    var trainer = try trainer(.retrieval)
    let before = parameters(trainer)
    _ = try trainer.step([set.batch([0, 2, 5, 9])], hyperparameters)
    for (old, new) in zip(before, parameters(trainer)) {
      let isLeft = old.values.elementsEqual(new.values)
      #expect(isLeft == new.name.hasPrefix("text_decoder."), "\(new.name)")
    }
  }

  @Test func theTemperatureStaysWithinItsBounds() throws {
    var trainer = try trainer(.pretrain)
    trainer.model.temperature = 7
    _ = try trainer.step([set.batch([0, 2, 5])], .init(rate: 0, alpha: 0))
    #expect(trainer.model.temperature == 0.5)
    trainer.model.temperature = -1
    _ = try trainer.step([set.batch([0, 2, 5])], .init(rate: 0, alpha: 0))
    #expect(trainer.model.temperature == 0.001)
  }

  @Test func whatCannotBeAStepIsRefusedAndChangesNothing() throws {
    var trainer = try trainer(.retrieval)
    let before = parameters(trainer)
    #expect(throws: TrainingError.self) { try trainer.step([set.batch([4, 5])], hyperparameters) }
    var unknown = set.batch([0, 2, 5])
    unknown.texts[1][2] = 100
    #expect(throws: TrainingError.self) { try trainer.step([unknown], hyperparameters) }
    trainer.model.temperature = .nan
    #expect(throws: TrainingError.self) {
      try trainer.step([set.batch([0, 2, 5])], hyperparameters)
    }
    trainer.model.temperature = 0.07
    #expect(zip(parameters(trainer), before).allSatisfy { $0.values.elementsEqual($1.values) })
    #expect(trainer.steps == 0)
  }

  @Test func damagedStateIsRefused() throws {
    var trained = try trainer(.pretrain)
    _ = try trained.step([set.batch([0, 2, 5])], hyperparameters)
    let state = Dictionary(uniqueKeysWithValues: trained.state().map { ($0.name, $0.values) })
    for (name, bad) in [
      ("queue.next", Float(8)), ("queue.next", .nan), ("queue.pictures", 0.5),
      ("optimizer.steps", -1), ("optimizer.steps", .infinity),
    ] {
      var other = try trainer(.pretrain)
      #expect(throws: TrainingError.self, "\(name) \(bad)") {
        try other.restore { read, _ in
          let values = try #require(state[read])
          return read == name ? [bad] + values.dropFirst() : values
        }
      }
    }
  }

  @Test func aQueueIsKeptToHalfOfThePairs() {
    var settings = Trainer.Settings(.pretrain)
    settings.limitQueue(pairs: 2_000_000)
    #expect(settings.queueCapacity == 57_600)
    settings.limitQueue(pairs: 29_995)
    #expect(settings.queueCapacity == 14_997)
  }

  /// The batch is a picture with two captions and another picture: with `samePicture` the loss of
  /// a model that tells the pictures apart is what two captions sharing cost, ln 2 for each of
  /// their two rows; with `pair` nothing else is right.
  @Test func captionsOfAPictureAreNotEachOthersNegatives() {
    let rows = Matrix(rows: 3, columns: 2, values: [1, 0, 1, 0, 0, 1])
    var objective = ContrastiveObjective(
      .samePicture, capacity: 0, width: 2, random: CounterRandom(key: 1))
    let outcome = objective(
      .init(
        images: rows, texts: rows, momentumImages: rows, momentumTexts: rows,
        pictures: [4, 4, 9]), temperature: 0.05, alpha: 0)
    #expect(abs(outcome.loss - 2.0 / 3 * 0.693147) < 1e-5)
    for gradient in outcome.dImages.values + outcome.dTexts.values {
      #expect(abs(gradient) < 1e-5)
    }
  }
}
