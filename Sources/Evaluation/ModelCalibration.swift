internal import BLIP
public import Captions
public import Checkpoints
public import Retrieval

/// Progress of a calibration.
public enum CalibrationEvent: Sendable {
  /// The set's pictures are being indexed.
  case indexing(IndexingEvent)
  /// Number of queries answered so far.
  case queries(Int, of: Int)
  /// The same for queries that are answered by words too.
  case wordQueries(Int, of: Int)
  /// The calibration has ended; always the last event.
  case finished(ModelCalibration)
}

/// How likely a model's hits are right, measured on a captioned set.
///
/// Captions, and phrases out of them, are searched for among all pictures, and pictures among all captions;
/// logistic regressions are fitted to the scores of right and wrong hits. Use pictures that the model was not
/// trained on.
///
/// ```swift
/// let set = try CaptionedSet(captions: "captions.json", images: "photos")
/// let model = EvaluatedModel("run/best")
/// for try await event in ModelCalibration.run(on: set, model, work: try WorkFolder("calibration")) {
///   if case .finished(let calibration) = event { try calibration.write(to: "run/best") }
/// }
/// ```
public struct ModelCalibration: Sendable {
  /// What was fitted. What words count stays as the model has it where ``words`` is nil.
  public let calibration: HitCalibration
  /// How good probabilities of hits by pictures alone are.
  public let hits: CalibrationReport
  /// What words add; nil if fewer than ``fewestPicturesForWords`` pictures have more than one caption.
  public let words: WordCalibrationReport?

  /// Fewer pictures with several captions do not tell what words count.
  public static let fewestPicturesForWords = WordCalibrator.fewestPictures

  /// Calibrates a model.
  ///
  /// It runs while the events are iterated; the last one is `finished`. If the task is cancelled, the
  /// events end without it. The model's folder is not changed.
  public static func run(
    on set: CaptionedSet, _ model: EvaluatedModel, work: WorkFolder
  ) -> EventSequence<CalibrationEvent> {
    EventSequence { report in
      let stop: @Sendable () -> Bool = { Task.isCancelled }
      let searcher = try await model.searcher(
        of: set, features: .bf16, in: work, shouldStop: stop,
        report: { report(.indexing($0)) })
      guard let searcher else { return }
      let hits = try await HitCalibrator(set, searcher).run(
        shouldStop: stop, report: { report(.queries($0, of: $1)) })
      guard let hits else { return }
      let words = try await WordCalibrator(set, searcher, hits.calibration)?.run(
        shouldStop: stop, report: { report(.wordQueries($0, of: $1)) })
      guard !Task.isCancelled else { return }
      let calibration =
        try words?.calibration ?? hits.calibration.with(wordsOf: searcher.model.folder.path)
      report(.finished(ModelCalibration(calibration: calibration, hits: hits, words: words)))
    }
  }

  /// Writes it into the `config.json` of a model folder: from then on searches order hits by it.
  public func write(to model: String) throws {
    try ModelFolder.setCalibration(calibration, of: model)
  }
}
