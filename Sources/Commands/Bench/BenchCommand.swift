import ArgumentParser
import BLIP
import Captions
import Checkpoints
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
    guard let (model, report) = try await evaluate(set) else {
      throw Interruption.stopped("scores are saved; run the same command to resume")
    }
    let summary = BenchSummary(report: report, model: model)
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

  /// The model and its results; nil if interrupted. The index is closed again afterwards.
  private func evaluate(_ set: CaptionedSet) async throws -> (BLIPModel, RetrievalReport)? {
    let work = try WorkFolder(data.workPath())
    var progress = BenchProgress(console: .error)
    defer { progress.finish() }
    let (model, store): (BLIPModel, IndexStore)
    if let index = data.index {
      CrashReport.install(forIndexAt: index)
      let searcher = try Searcher(
        index: index, modelPath: self.model.path(), precision: precision.precision,
        cache: CacheLocation.standard)
      (model, store) = (searcher.model, searcher.store)
    } else {
      model = try self.model.load(precision: precision.precision)
      let request = work.indexing(set, with: model)
      guard try await index(request, with: model) else { return nil }
      store = try IndexStore.open(request.index)
    }
    let evaluation = RetrievalEvaluation(
      of: set, in: store, model: model, depths: ranking.depths,
      itcWeight: ranking.itcWeight, work: work)
    let report = try await evaluation.run(
      shouldStop: Interruption.isRequested, report: { progress.receive($0) })
    return report.map { (model, $0) }
  }

  /// Indexes the set's pictures. Returns whether the index is complete.
  private func index(_ request: IndexingRequest, with model: BLIPModel) async throws -> Bool {
    var progress = IndexingProgress(console: .error)
    defer { progress.finish() }
    return try await !Indexer(model: model, decoder: DecodeCommand.decoder).run(
      request, shouldStop: Interruption.isRequested, report: { progress.receive($0) }
    ).interrupted
  }
}
