internal import BLIP
public import Captions
public import Checkpoints
public import Images
internal import Glibc
internal import Tensors

/// A training run and its folder:
///
/// - `last/` and `best/`: model folders like any other;
/// - `state.safetensors`: all that the run needs to go on bit for bit;
/// - `log.jsonl`, `curves.svg`: losses of every step, measurements of every epoch;
/// - `stem.cache`: what a frozen convolutional stem makes of the pictures.
public struct TrainingRun: Sendable {
  /// Where a run starts, what it is given, and where it leaves its results.
  public struct Plan: Sendable {
    /// How it trains.
    public var settings: RunSettings
    /// What it is trained on.
    public var pictures: [CaptionedPicture]
    /// What it is measured with; empty: a part of `pictures` that is held out.
    public var validation: [CaptionedPicture] = []
    /// The model that it starts from.
    public var model: ModelFolder
    /// The folder of the run.
    public var folder: String
    /// The file of the stem's cache; nil: in the folder.
    public var stemCache: String?
    /// Whether to go on with the run that the folder holds.
    public var resumes = false
    /// How `last` and `best` store their matrices.
    public var storage = WeightStorage.int8
    /// A checkpoint is written at the end of every epoch and after so many seconds.
    public var secondsBetweenCheckpoints = 600.0
    /// And after so many steps, where given.
    public var stepsBetweenCheckpoints: Int?

    /// A plan that starts a run.
    public init(
      _ settings: RunSettings, pictures: [CaptionedPicture], model: ModelFolder, folder: String
    ) {
      self.settings = settings
      self.pictures = pictures
      self.model = model
      self.folder = folder
    }
  }

  private let plan: Plan
  private let read: @Sendable (String, Int) throws -> Picture
  private let shouldStop: @Sendable () -> Bool
  private let report: @Sendable (RunEvent) -> Void

  /// - Parameters:
  ///   - read: Reads the picture at a path for a square of so many pixels.
  ///   - shouldStop: Asked after every step; a run that stops leaves a checkpoint.
  ///   - report: Called from one thread at a time.
  public init(
    _ plan: Plan, read: @escaping @Sendable (String, Int) throws -> Picture,
    shouldStop: @escaping @Sendable () -> Bool, report: @escaping @Sendable (RunEvent) -> Void
  ) {
    self.plan = plan
    self.read = read
    self.shouldStop = shouldStop
    self.report = report
  }

  /// Trains to the end, or until it should stop. Returns whether it came to the end. What is thrown
  /// leaves the last checkpoint as it was.
  public func callAsFunction() throws -> Bool {
    let (settings, folder) = (plan.settings, plan.folder)
    try makeFolder(folder)
    let statePath = "\(folder)/state.safetensors"
    let model = try BLIPModel(folder: plan.model)
    let prompt = settings.objective == .caption ? GenerationSettings.prompt : ""
    let set = TrainingSet(plan.pictures) { model.tokens(of: prompt + $0) }
    let heldOut = TrainingSet(plan.validation) { model.tokens(of: prompt + $0) }
    let split = try HeldOutSplit(set.pictures, share: settings.heldOut, seed: settings.seed)
    let training = plan.validation.isEmpty ? split.training : Array(set.pictures.indices)
    guard Set(training.map { set.groups[$0] }).count > 1 else {
      throw TrainingError("all pictures to train on have the same label; at least two are needed")
    }
    var state = RunState(
      settings: settings,
      data: RunState.digest(
        of: plan.pictures + plan.validation, model: plan.model.fingerprint))
    let old = try earlierState(state, at: statePath)

    let network = try Network(plan.model, trainsStem: settings.trainsStem)
    let files = PictureFiles(model, network: network, read: read)
    guard var views = try makeViews(set, model, files, stemLayers: network.frozenStemLayers) else {
      return false
    }
    if settings.epochs == 0 { return true }
    var trainer = try Trainer(network, trainerSettings(set, model, prompt))
    if let old {
      (state.epoch, state.stepsOfEpoch) = (old.epoch, old.stepsOfEpoch)
      try RunState.restore(&trainer, from: statePath)
      report(.note("going on after step \(trainer.steps)"))
    }
    let last = try ModelFolderWriter("\(folder)/last", like: plan.model, storage: plan.storage)
    var log = try RunLog("\(folder)/log.jsonl", after: trainer.steps)
    defer { log.close() }
    let evaluation = HeldOutEvaluation(
      set: plan.validation.isEmpty ? set : heldOut,
      pictures: plan.validation.isEmpty ? split.heldOut : Array(heldOut.pictures.indices),
      read: read, shouldStop: shouldStop)
    guard !evaluation.pictures.isEmpty else {
      throw TrainingError("none of the validation pictures has a caption")
    }

    func checkpoint() throws {
      try state.write(&trainer, to: statePath)
      try last.write(trainer.network.tensors())
      try log.flush()
      try replaceFile("\(folder)/curves.svg", with: Array(Curves(log).svg().utf8))
    }

    var written = now()
    while state.epoch < settings.epochs {
      let steps = self.steps(set, training, epoch: state.epoch)
      for batches in steps.dropFirst(state.stepsOfEpoch) {
        try step(&trainer, batches, &views, state, of: steps.count, &log)
        state.stepsOfEpoch += 1
        let isDue =
          now() - written >= plan.secondsBetweenCheckpoints
          || plan.stepsBetweenCheckpoints.map { trainer.steps % $0 == 0 } == true
        if shouldStop() || isDue, state.stepsOfEpoch < steps.count {
          try checkpoint()
          written = now()
        }
        if shouldStop() { break }
      }
      if state.stepsOfEpoch == steps.count {
        // All steps made and not yet evaluated: a run that is stopped from here on evaluates first.
        try checkpoint()
        written = now()
        try evaluate(evaluation, trainer, files, state, last, &log)
        try replaceFile("\(folder)/curves.svg", with: Array(Curves(log).svg().utf8))
      }
      if shouldStop() { return false }
      state.epoch += 1
      state.stepsOfEpoch = 0
    }
    return true
  }

  // MARK: - Preparation

  private func makeFolder(_ path: String) throws(TrainingError) {
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw TrainingError("\(path): cannot be made: \(String(cString: strerror(errno)))")
    }
  }

  /// The state to go on from; nil for a run from the start.
  private func earlierState(_ state: RunState, at path: String) throws -> RunState? {
    guard let old = try RunState.read(path) else {
      if plan.resumes { report(.note("\(plan.folder) holds no checkpoint yet: from the start")) }
      return nil
    }
    guard plan.resumes else {
      throw TrainingError(
        "\(plan.folder) holds a run already; --resume goes on with it, or name another folder")
    }
    guard old.data == state.data else {
      throw TrainingError(
        "\(plan.folder): the run in it has other pictures, captions or another model to start "
          + "from; give those, or name another folder")
    }
    guard !state.settings.differs(from: old.settings) else {
      throw TrainingError(
        "\(plan.folder): the run in it has other settings; repeat its command with --resume, or "
          + "name another folder")
    }
    return old
  }

  private func trainerSettings(
    _ set: TrainingSet, _ model: BLIPModel, _ prompt: String
  ) -> Trainer.Settings {
    let settings = plan.settings
    var trainer = Trainer.Settings(settings.objective)
    // BLIP's pre-training data have one caption a picture. Where there are more, the others are no
    // wrong answers, whatever the objective.
    if Set(set.groups).count < set.pairsInEpoch { trainer.positives = .samePicture }
    trainer.frozen = settings.frozen
    trainer.queueCapacity = settings.queue
    trainer.limitQueue(pairs: set.pairsInEpoch)
    trainer.dropout = Float(settings.dropout)
    trainer.clipping = settings.clipping
    trainer.seed = settings.seed
    // [DEC] and the prompt's words, without [SEP].
    if !prompt.isEmpty { trainer.prompt = model.tokens(of: prompt).count - 1 }
    return trainer
  }

  /// The pictures as the network takes them; nil where it was stopped.
  private func makeViews(
    _ set: TrainingSet, _ model: BLIPModel, _ files: PictureFiles, stemLayers: Int
  ) throws -> PictureViews? {
    let settings = plan.settings
    let augmentation = Augmentation(scale: settings.smallestCrop...1)
    guard plan.model.configuration.vision.stem != nil else {
      return PictureViews(
        source: .files(files, augmentation), set: set, seed: settings.seed)
    }
    let cache = try StemCache(
      at: plan.stemCache ?? "\(plan.folder)/stem.cache", of: set.pictures.map(\.path), model: model,
      layers: stemLayers,
      .init(augmentation: augmentation, views: settings.views, seed: settings.seed), read: read,
      shouldStop: shouldStop,
      report: { [report] event in
        switch event {
        case .progress(let done, let of): report(.caching(done: done, of: of))
        case .failed(let path, let reason): report(.failed(path, reason))
        case .note(let text): report(.note(text))
        }
      })
    guard let cache else { return nil }
    guard cache.unreadable.count < set.pictures.count else {
      throw TrainingError("not one of the pictures can be read")
    }
    return PictureViews(source: .cache(cache), set: set, seed: settings.seed)
  }

  /// The batches of every step of an epoch.
  private func steps(_ set: TrainingSet, _ training: [Int], epoch: Int) -> [[[TrainingPair]]] {
    let plan = EpochPlan(
      set, pictures: training, batch: plan.settings.batch, seed: plan.settings.seed, epoch: epoch)
    let together = self.plan.settings.accumulation
    return stride(from: 0, to: plan.batches.count, by: together).map {
      Array(plan.batches[$0..<min($0 + together, plan.batches.count)])
    }
  }

  // MARK: - Steps and measurements

  private func step(
    _ trainer: inout Trainer, _ batches: [[TrainingPair]], _ views: inout PictureViews,
    _ state: RunState, of stepsInEpoch: Int, _ log: inout RunLog
  ) throws {
    let start = now()
    let pictures = views.set.pictures
    let micro = batches.compactMap { pairs in
      views.batch(pairs, epoch: state.epoch) { picture, reason in
        report(.failed(pictures[picture].path, reason))
      }
    }.filter { $0.texts.count > 1 }
    guard !micro.isEmpty else {
      throw TrainingError("fewer than two pictures of step \(trainer.steps + 1) can be read")
    }
    let pace = plan.settings.pace(
      step: trainer.steps, epoch: state.epoch, stepsInEpoch: stepsInEpoch)
    let (losses, norm) = try trainer.step(micro, pace)
    guard losses.total.isFinite else {
      throw TrainingError(
        "the loss of step \(trainer.steps) is not a number; go on from the last checkpoint with a "
          + "lower learning rate (--lr) or with --clip")
    }
    let pairs = micro.reduce(0) { $0 + $1.texts.count }
    let made = StepReport(
      step: trainer.steps, epoch: state.epoch + 1,
      steps: trainer.steps - state.stepsOfEpoch - 1
        + stepsInEpoch * (plan.settings.epochs - state.epoch),
      itc: losses.contrastive, itm: losses.matching, lm: losses.language, loss: losses.total,
      rate: pace.rate, gradientNorm: norm, temperature: Double(trainer.network.temperature),
      pairsPerSecond: Double(pairs) / (now() - start), pairs: pairs)
    try log.append(made)
    report(.step(made))
  }

  /// Measures `last`, which holds the network as it is; the best one so far is kept in `best`.
  private func evaluate(
    _ evaluation: HeldOutEvaluation, _ trainer: Trainer, _ files: PictureFiles,
    _ state: RunState, _ last: ModelFolderWriter, _ log: inout RunLog
  ) throws {
    report(.evaluating(0))
    var made = EvaluationReport(
      step: trainer.steps, epoch: state.epoch + 1, pictures: evaluation.pictures.count, captions: 0)
    if plan.settings.objective != .caption {
      let model = try BLIPModel(folder: ModelFolder(path: last.path), precision: .fp32)
      guard
        let recalls = try evaluation.recalls(of: model, progress: { report(.evaluating($0)) })
      else { return }
      (made.itc, made.itm, made.captions) = (recalls.itc, recalls.itm, recalls.queries)
      made.itcWeight = recalls.itcWeight
    }
    if plan.settings.objective != .retrieval {
      guard
        let loss = try evaluation.languageLoss(
          of: trainer.network, files, prompt: trainer.settings.prompt)
      else { return }
      made.lm = loss
    }
    let isBest = log.evaluations.allSatisfy { made.score > $0.score }
    var folders = [last]
    if isBest {
      let best = try ModelFolderWriter(
        "\(plan.folder)/best", like: plan.model, storage: plan.storage)
      try best.write(trainer.network.tensors())
      folders.append(best)
    }
    if let itc = made.itc, let itm = made.itm, let weight = made.itcWeight {
      // A search reranks by default where that pays.
      for folder in folders {
        try folder.setReranking(
          depth: itm.mean > itc.mean ? HeldOutEvaluation.depth : 0, itcWeight: weight)
      }
    }
    try log.append(made)
    report(.evaluated(made, isBest: isBest))
  }

  private func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

extension Network {
  /// The trainable parameters, as a model folder takes them.
  fileprivate func tensors() -> [(name: String, shape: [Int], values: [Float])] {
    var copy = self
    return copy.takeParameters().map { ($0.name, $0.shape, $0.values) }
  }
}
