internal import BLIP
internal import Captions
internal import Checkpoints
internal import Files
internal import Glibc
internal import Tensors

/// A run in progress: everything that changes, and the files that it writes.
struct RunSession {
  private let run: TrainingRun
  private let data: RunData
  private let files: PictureFiles
  private var views: PictureViews
  private var trainer: Trainer
  private var state: RunState
  private var log: RunLog
  private let last: ModelFolderWriter
  private var lastCheckpoint = monotonicSeconds()

  private var plan: TrainingRun.Plan { run.plan }

  init(
    run: TrainingRun, data: RunData, files: PictureFiles, views: PictureViews, trainer: Trainer,
    state: RunState
  ) throws {
    (self.run, self.data, self.files) = (run, data, files)
    (self.views, self.trainer, self.state) = (views, trainer, state)
    last = try ModelFolderWriter(
      "\(run.plan.folder)/last", like: run.plan.model, storage: run.plan.storage)
    log = try RunLog("\(run.plan.folder)/log.jsonl", after: trainer.steps)
  }

  func close() { log.close() }

  /// Trains from the state on. Returns whether it reached the end.
  mutating func train() throws -> Bool {
    while state.epoch < plan.settings.epochs {
      let steps = data.steps(plan.settings, epoch: state.epoch)
      try trainEpoch(steps)
      if state.stepsOfEpoch == steps.count {
        // All steps made and not yet evaluated: a run that is stopped from here on evaluates first.
        try checkpoint()
        try evaluate()
        try writeCurves()
      }
      if run.shouldStop() { return false }
      state.epoch += 1
      state.stepsOfEpoch = 0
    }
    return true
  }

  private mutating func trainEpoch(_ steps: [[[TrainingPair]]]) throws {
    for batches in steps.dropFirst(state.stepsOfEpoch) {
      try step(batches, of: steps.count)
      state.stepsOfEpoch += 1
      let isDue =
        monotonicSeconds() - lastCheckpoint >= plan.secondsBetweenCheckpoints
        || plan.stepsBetweenCheckpoints.map { trainer.steps % $0 == 0 } == true
      if run.shouldStop() || isDue, state.stepsOfEpoch < steps.count { try checkpoint() }
      if run.shouldStop() { return }
    }
  }

  private mutating func step(_ batches: [[TrainingPair]], of stepsInEpoch: Int) throws {
    let start = monotonicSeconds()
    let (pictures, report) = (data.set.pictures, run.report)
    let microBatches = batches.compactMap { pairs in
      views.batch(pairs, epoch: state.epoch) { picture, reason in
        report(.failed(pictures[picture].path, reason))
      }
    }.filter { $0.texts.count > 1 }
    guard !microBatches.isEmpty else {
      throw TrainingError("fewer than two pictures of step \(trainer.steps + 1) can be read")
    }
    let hyperparameters = plan.settings.hyperparameters(
      step: trainer.steps, epoch: state.epoch, stepsInEpoch: stepsInEpoch)
    let (losses, norm) = try trainer.step(microBatches, hyperparameters)
    guard losses.total.isFinite else {
      throw TrainingError(
        "the loss of step \(trainer.steps) is not a number; resume from the last checkpoint with a "
          + "lower learning rate or with gradient clipping", remedy: .smallerSteps)
    }
    let pairs = microBatches.reduce(0) { $0 + $1.texts.count }
    let made = StepReport(
      step: trainer.steps, epoch: state.epoch + 1,
      steps: trainer.steps - state.stepsOfEpoch - 1
        + stepsInEpoch * (plan.settings.epochs - state.epoch),
      itc: losses.contrastive, itm: losses.matching, lm: losses.language, loss: losses.total,
      rate: hyperparameters.rate, gradientNorm: norm,
      temperature: Double(trainer.model.temperature),
      pairsPerSecond: Double(pairs) / (monotonicSeconds() - start), pairs: pairs)
    try log.append(made)
    report(.step(made))
  }

  private mutating func checkpoint() throws {
    try state.write(&trainer, to: run.statePath)
    try last.write(trainer.model.tensors())
    try log.flush()
    try writeCurves()
    lastCheckpoint = monotonicSeconds()
  }

  private func writeCurves() throws {
    try AtomicFile.write(Array(Curves(log).svg().utf8), to: "\(plan.folder)/curves.svg")
  }

  /// Evaluates `last`, which holds the model as it is; the best one so far is kept in `best`.
  private mutating func evaluate() throws {
    guard let (made, bank, calibration) = try measured() else { return }
    let isBest = log.evaluations.allSatisfy { made.score > $0.score }
    var folders = [last]
    if isBest {
      let best = try ModelFolderWriter(
        "\(plan.folder)/best", like: plan.model, storage: plan.storage)
      try best.write(trainer.model.tensors())
      folders.append(best)
    }
    if let itc = made.itc, let itm = made.itm, let weight = made.itcWeight {
      // A search reranks by default where that pays.
      for folder in folders {
        try folder.setReranking(
          depth: itm.mean > itc.mean ? HeldOutEvaluation.depth : 0, itcWeight: weight)
        try bank?.write(to: folder.path)
        if let calibration { try ModelFolder.setCalibration(calibration, of: folder.path) }
      }
    }
    try log.append(made)
    run.report(.evaluated(made, isBest: isBest))
  }

  /// What was measured, the bank of texts as this model embeds them, and how likely its hits are right. Nil
  /// if it was stopped.
  private func measured() throws -> (EvaluationReport, TextBank?, HitCalibration?)? {
    let (evaluation, report) = (data.evaluation, run.report)
    report(.evaluating(0))
    var made = EvaluationReport(
      step: trainer.steps, epoch: state.epoch + 1, pictures: evaluation.pictures.count, captions: 0)
    var bank: TextBank?
    var calibration: HitCalibration?
    if plan.settings.objective != .caption {
      let model = try BLIPModel(folder: ModelFolder(path: last.path), precision: .fp32)
      bank = try TextBank(of: plan.model).map { try TextBank($0.texts, by: model) }
      guard
        let recalls = try evaluation.recalls(
          of: model, bank: bank, progress: { report(.evaluating($0)) })
      else { return nil }
      calibration = recalls.calibration
      (made.itc, made.itm, made.captions) = (recalls.itc, recalls.itm, recalls.queries)
      made.itcWeight = recalls.itcWeight
    }
    if plan.settings.objective != .retrieval {
      guard
        let loss = try evaluation.languageLoss(
          of: trainer.model, files, prompt: trainer.settings.prompt)
      else { return nil }
      made.lm = loss
    }
    return (made, bank, calibration)
  }
}

extension TrainableModel {
  /// The trainable parameters, as a model folder takes them.
  fileprivate func tensors() -> [(name: String, shape: [Int], values: [Float])] {
    var copy = self
    return copy.takeParameters().map { ($0.name, $0.shape, $0.values) }
  }
}
