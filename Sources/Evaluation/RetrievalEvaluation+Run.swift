public import Captions
public import Retrieval

/// What is evaluated, and how (``RetrievalEvaluation/run(on:options:work:)``).
public struct EvaluationOptions: Sendable {
  /// The model, and the index to measure it with.
  public var model: EvaluatedModel
  /// How many of the best candidates are reranked: BLIP's k_test, several of them; 0 is ITC alone.
  public var depths: [Int]
  /// The weight of the cosine relative to the match logit: 1 in BLIP's own evaluation. Nil: results are
  /// ordered as by a search.
  public var itcWeight: Float?

  /// The defaults, except for what is given.
  public init(
    model: EvaluatedModel = EvaluatedModel(), depths: [Int] = [0, 16, 32, 64, 128],
    itcWeight: Float? = nil
  ) {
    (self.model, self.depths, self.itcWeight) = (model, depths, itcWeight)
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
      let searcher = try await options.model.searcher(
        of: set, in: work, shouldStop: { Task.isCancelled }, report: { report(.indexing($0)) })
      guard let searcher else { return }
      let evaluation = RetrievalEvaluation(
        of: set, in: searcher.store, model: searcher.model, depths: options.depths,
        itcWeight: options.itcWeight, work: work, decoder: options.model.decoder)
      let result = try await evaluation.run(shouldStop: { Task.isCancelled }, report: report)
      if let result { report(.finished(result)) }
    }
  }
}
