internal import BLIP
internal import Captions

/// What a run trains on and is evaluated on.
struct RunData: Sendable {
  /// The initial model, as any program uses it.
  let model: BLIPModel
  /// All pictures, and those among them that are trained on.
  let set: TrainingSet
  let training: [Int]
  let evaluation: HeldOutEvaluation
  /// Number of a text's first tokens that the language model is given: [DEC] and the prompt.
  let promptTokens: Int

  init(_ run: TrainingRun) throws {
    let (plan, settings) = (run.plan, run.plan.settings)
    let model = try BLIPModel(folder: plan.model)
    let prompt = settings.objective == .caption ? GenerationSettings.prompt : ""
    // Without [SEP]; [DEC] takes the place of [CLS].
    promptTokens = prompt.isEmpty ? 1 : model.tokens(of: prompt).count - 1
    let set = TrainingSet(plan.pictures) { model.tokens(of: prompt + $0) }
    let validation = TrainingSet(plan.validation) { model.tokens(of: prompt + $0) }
    let split = try HeldOutSplit(set.pictures, share: settings.heldOut, seed: settings.seed)
    let isSplit = plan.validation.isEmpty
    let training = isSplit ? split.training : Array(set.pictures.indices)
    guard Set(training.map { set.groups[$0] }).count > 1 else {
      throw TrainingError("all pictures to train on have the same label; at least two are needed")
    }
    (self.model, self.set, self.training) = (model, set, training)
    evaluation = HeldOutEvaluation(
      set: isSplit ? set : validation,
      pictures: isSplit ? split.heldOut : Array(validation.pictures.indices),
      read: run.read, shouldStop: run.shouldStop)
    guard !evaluation.pictures.isEmpty else {
      throw TrainingError("none of the validation pictures has a caption")
    }
  }

  /// The batches of every step of an epoch.
  func steps(_ settings: RunSettings, epoch: Int) -> [[[TrainingPair]]] {
    let batches = EpochPlan(
      set, pictures: training, batch: settings.batch, seed: settings.seed, epoch: epoch
    ).batches
    return stride(from: 0, to: batches.count, by: settings.accumulation).map {
      Array(batches[$0..<min($0 + settings.accumulation, batches.count)])
    }
  }
}
