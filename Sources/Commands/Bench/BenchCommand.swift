import ArgumentParser
import Captions
import Evaluation
import Files
import Retrieval

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Evaluate a model on captioned pictures, as BLIP's authors do.",
    usage: "blip bench [<options>] <captions> --images <dir>",
    discussion: """
      EXAMPLES
        blip bench captions.json --images photos
        blip bench dataset_coco.json --images coco --itc-weight 1
        blip bench captions.json --images photos --json - --html report.html

      Every caption is searched for among all pictures and every picture among all captions, by \
      ITC alone (depth 0) and with the best 16, 32, … results reranked by ITM. Reported are \
      recall under BLIP's names, the time per search, and how reliable the probabilities are. \
      Results are ordered as by blip search or, with --itc-weight, as BLIP's authors do.

      Scores are saved: the same command resumes an interrupted run, and other depths only add the \
      scores they need.
      """)

  @Argument(
    help: ArgumentHelp(
      "Captions file: JSON of COCO, Karpathy or [{image, caption}], JSONL, TSV or CSV with a "
        + "header, or a file of Flickr8k or Flickr30k.",
      valueName: "captions"))
  var captions: String

  @OptionGroup(title: "Data") var data: BenchDataOptions
  @OptionGroup(title: "Ranking") var ranking: BenchRankingOptions
  @OptionGroup(title: "Model") var model: ModelOption
  @OptionGroup(title: "Model") var precision: PrecisionOption
  @OptionGroup(title: "Output") var output: BenchOutputOptions

  func run() async throws {
    let set = try CaptionedSet(captions: captions, images: data.images, split: data.split)
    for warning in set.warnings { Console.note(printable(warning)) }
    Interruption.watch()
    let options = try evaluationOptions()
    let work = try WorkFolder(data.workPath())
    if let index = data.index { CrashReport.install(forIndexAt: index) }
    let report = try await Interruption.cancelling {
      try await Self.evaluate(set, options, work)
    }
    guard let report else {
      throw Interruption.stopped("scores are saved; run the same command to resume")
    }
    let summary = BenchSummary(report: report)
    if output.json != "-" { try Console.output.write(summary.text) }
    if let json = output.json { try write(summary.json.text + "\n", to: json) }
    if let html = output.html {
      try BenchPage(summary: summary).write(to: html)
      Console.note("wrote \(printable(html))")
    }
  }

  private func write(_ text: String, to path: String) throws {
    guard path != "-" else { return try Console.output.write(text) }
    let file = try AtomicFile(path)
    try file.write(text)
    try file.commit()
  }

  private func evaluationOptions() throws -> EvaluationOptions {
    EvaluationOptions(
      model: EvaluatedModel(
        try model.path(), precision: precision.precision, index: data.index,
        cache: CacheLocation.standard, decoder: DecodeCommand.decoder),
      depths: ranking.depths, itcWeight: ranking.itcWeight)
  }

  /// The results; nil if interrupted.
  private static func evaluate(
    _ set: CaptionedSet, _ options: EvaluationOptions, _ work: WorkFolder
  ) async throws -> RetrievalReport? {
    var indexing = IndexingProgress(console: .error)
    var progress = BenchProgress(console: .error)
    defer {
      indexing.finish()
      progress.finish()
    }
    for try await event in RetrievalEvaluation.run(on: set, options: options, work: work) {
      switch event {
      case .indexing(let event): indexing.receive(event)
      case .finished(let report): return report
      default:
        indexing.finish()
        progress.receive(event)
      }
      Interruption.cancelIfRequested()
    }
    return nil
  }
}
