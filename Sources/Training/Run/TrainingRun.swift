internal import BLIP
public import Captions
public import Checkpoints
internal import Glibc
public import Images
internal import Tensors

/// A training run and its directory:
///
/// - `last/` and `best/`: model folders like any other;
/// - `state.safetensors`: all that is needed to resume the run bit for bit;
/// - `log.jsonl`, `curves.svg`: the losses of every step, the evaluation of every epoch;
/// - `stem.cache`: the output of a frozen convolutional stem for the pictures.
public struct TrainingRun: Sendable {
  /// What a run starts from, what it is given, and where it leaves its results.
  public struct Plan: Sendable {
    /// How it trains.
    public var settings: RunSettings
    /// What it is trained on.
    public var pictures: [CaptionedPicture]
    /// What it is evaluated on; empty for a part of `pictures` that is held out.
    public var validation: [CaptionedPicture] = []
    /// The model that it starts from.
    public var model: ModelFolder
    /// The directory of the run.
    public var folder: String
    /// The file of the stem's cache; nil for one in the directory.
    public var stemCache: String?
    /// Whether to resume the run in the directory.
    public var resumes = false
    /// How `last` and `best` store their matrices.
    public var storage = WeightStorage.int8
    /// A checkpoint is written at the end of every epoch and after this time.
    public var secondsBetweenCheckpoints = 600.0
    /// And after this number of steps, if given.
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

  let plan: Plan
  let read: @Sendable (String, Int) throws -> Picture
  let shouldStop: @Sendable () -> Bool
  let report: @Sendable (RunEvent) -> Void

  /// - Parameters:
  ///   - read: Reads the picture at a path for a square of the given side in pixels.
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

  /// Trains to the end, or until it should stop. After an error the last checkpoint is intact.
  /// - Returns: Whether it reached the end.
  public func callAsFunction() throws -> Bool {
    guard mkdir(plan.folder, 0o777) == 0 || errno == EEXIST else {
      throw TrainingError(
        "\(plan.folder): cannot create this directory: \(String(cString: strerror(errno)))")
    }
    let data = try RunData(self)
    var state = RunState(
      settings: plan.settings,
      data: RunState.digest(
        of: plan.pictures + plan.validation, model: plan.model.fingerprint))
    let earlier = try earlierState(state)
    let model = try TrainableModel(plan.model, trainsStem: plan.settings.trainsStem)
    let files = PictureFiles(data.model, stemLayers: model.frozenStemLayers, read: read)
    guard let views = try makeViews(data, files) else { return false }
    if plan.settings.epochs == 0 { return true }
    var trainer = try Trainer(model, trainerSettings(data))
    if let earlier {
      (state.epoch, state.stepsOfEpoch) = (earlier.epoch, earlier.stepsOfEpoch)
      try RunState.restore(&trainer, from: statePath)
      report(.note("resuming after step \(trainer.steps)"))
    }
    var session = try RunSession(
      run: self, data: data, files: files, views: views, trainer: trainer, state: state)
    defer { session.close() }
    return try session.train()
  }

  var statePath: String { "\(plan.folder)/state.safetensors" }

  /// The state to resume from; nil for a run from the start.
  private func earlierState(_ state: RunState) throws -> RunState? {
    guard let earlier = try RunState.read(statePath) else {
      if plan.resumes {
        report(.note("\(plan.folder) holds no checkpoint yet: starting from the beginning"))
      }
      return nil
    }
    guard plan.resumes else {
      throw TrainingError(
        "\(plan.folder) holds a run already; resume it, or use another directory",
        remedy: .resuming)
    }
    guard earlier.data == state.data else {
      throw TrainingError(
        "\(plan.folder): its run has other pictures, captions or another initial model; give "
          + "those, or use another directory", remedy: .anotherDirectory)
    }
    guard !state.settings.differs(from: earlier.settings) else {
      throw TrainingError(
        "\(plan.folder): its run has other settings; resume it with those, or use another "
          + "directory", remedy: .resuming)
    }
    return earlier
  }

  private func trainerSettings(_ data: RunData) -> Trainer.Settings {
    let settings = plan.settings
    var trainer = Trainer.Settings(settings.objective)
    // BLIP's pre-training data have one caption per picture. Where there are more, a picture's other
    // captions are not negatives, whatever the objective.
    if Set(data.set.groups).count < data.set.pairsInEpoch { trainer.positives = .samePicture }
    trainer.frozen = settings.frozen
    trainer.queueCapacity = settings.queue
    trainer.limitQueue(pairs: data.set.pairsInEpoch)
    trainer.dropout = Float(settings.dropout)
    trainer.clipping = settings.clipping
    trainer.seed = settings.seed
    trainer.prompt = data.promptTokens
    return trainer
  }

  /// The pictures as the model is given them; nil if it was stopped.
  private func makeViews(_ data: RunData, _ files: PictureFiles) throws -> PictureViews? {
    let (settings, set) = (plan.settings, data.set)
    let augmentation = Augmentation(scale: settings.smallestCrop...1)
    guard plan.model.configuration.vision.stem != nil else {
      return PictureViews(source: .files(files, augmentation), set: set, seed: settings.seed)
    }
    let cache = try StemCache(
      at: plan.stemCache ?? "\(plan.folder)/stem.cache", of: set.pictures.map(\.path),
      model: data.model, layers: files.stemLayers,
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
      throw TrainingError("none of the pictures can be read")
    }
    return PictureViews(source: .cache(cache), set: set, seed: settings.seed)
  }
}
