public import BLIP
public import Captions
internal import Checkpoints
public import Images
public import Retrieval

/// What is evaluated, and how (``RetrievalEvaluation/run(on:options:work:)``).
public struct EvaluationOptions: Sendable {
  /// The folder of the model. Nil: that of the index, else the default model.
  public var model: String?
  /// The number format to compute in.
  public var precision: Precision
  /// An index by this model that contains the set's pictures. Nil: one is built in the work directory.
  public var index: String?
  /// How many of the best candidates are reranked: BLIP's k_test, several of them; 0 is ITC alone.
  public var depths: [Int]
  /// The weight of the cosine relative to the match logit: 1 in BLIP's own evaluation. Nil: results are
  /// ordered as by a search.
  public var itcWeight: Float?
  /// As for `PictureIndex.open`.
  public var cache: String?
  /// What decodes pictures.
  public var decoder: any PictureDecoder = ImageDecoder()

  /// The defaults, except for what is given.
  public init(
    model: String? = nil, precision: Precision = .auto, index: String? = nil,
    depths: [Int] = [0, 16, 32, 64, 128], itcWeight: Float? = nil, cache: String? = nil
  ) {
    (self.model, self.precision, self.index) = (model, precision, index)
    (self.depths, self.itcWeight, self.cache) = (depths, itcWeight, cache)
  }
}

extension RetrievalEvaluation {
  /// Evaluates a model on a captioned set.
  ///
  /// It runs while the events are iterated; the last one is `finished`. If the task is cancelled, the
  /// events end without it: the scores so far are kept in the work directory, and the next run continues
  /// from there.
  ///
  /// ```swift
  /// let set = try CaptionedSet(captions: "captions.json", images: "photos")
  /// let work = try WorkFolder("evaluation")
  /// for try await event in RetrievalEvaluation.run(on: set, work: work) {
  ///   guard case .finished(let report) = event else { continue }
  ///   for depth in report.depths { print(depth.depth, depth.metrics["txt_r1"] ?? 0) }
  /// }
  /// ```
  public static func run(
    on set: CaptionedSet, options: EvaluationOptions = EvaluationOptions(), work: WorkFolder
  ) -> EventSequence<EvaluationEvent> {
    EventSequence { report in
      let searched = try await work.indexed(
        set, options, shouldStop: { Task.isCancelled }, report: { report(.indexing($0)) })
      guard let (store, model) = searched else { return }
      let evaluation = RetrievalEvaluation(
        of: set, in: store, model: model, depths: options.depths, itcWeight: options.itcWeight,
        work: work, decoder: options.decoder)
      let result = try await evaluation.run(shouldStop: { Task.isCancelled }, report: report)
      if let result { report(.finished(result)) }
    }
  }
}

extension WorkFolder {
  /// The index of a set's pictures, and its model: the index given, or one in this directory, which is
  /// brought up to date; nil if `shouldStop` ended that.
  fileprivate func indexed(
    _ set: CaptionedSet, _ options: EvaluationOptions,
    shouldStop: @escaping @Sendable () -> Bool, report: (IndexingEvent) -> Void
  ) async throws -> (store: IndexStore, model: BLIPModel)? {
    if let index = options.index {
      let searcher = try Searcher(
        index: index, modelPath: options.model, precision: options.precision, cache: options.cache)
      return (searcher.store, searcher.model)
    }
    let folder = try ModelFolder(path: options.model ?? BLIPModel.defaultModelPath())
    let model = try BLIPModel(
      folder: folder, precision: options.precision, cache: options.cache)
    let request = indexing(set, with: model)
    let summary = try await Indexer(model: model, decoder: options.decoder).run(
      request, shouldStop: shouldStop, report: report)
    return summary.interrupted ? nil : (try IndexStore.open(request.index), model)
  }
}
