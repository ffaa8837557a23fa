import ArgumentParser
import BLIP
import Checkpoints
import Evaluation
import Glibc
import Retrieval

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures a model on captioned pictures as BLIP's own evaluation does.",
    discussion: """
      Every caption looks for its picture among all pictures, and every picture for its captions, by \
      ITC alone (depth 0) and with the best 16, 32, … reranked by ITM: recall under BLIP's names, \
      what a search takes, and what the match probabilities are worth. What is scored is kept: the \
      same command goes on after an interruption, and other depths cost only what is new.

      EXAMPLES
        blip bench captions.json --images photos
        blip bench dataset_coco.json --images coco --model blip-itm-base-coco --itc-weight 1
        blip bench captions.json --images photos --json - --html report.html
        blip bench captions.json --images photos --calibrate indexes/photos
      """)

  @Argument(
    help: ArgumentHelp(
      "Captions: Karpathy's JSON, JSON [{image, caption}], JSONL, or TSV/CSV with a header.",
      valueName: "captions"))
  var captions: String

  @Option(
    help: ArgumentHelp(
      "The folder that the names of the pictures count from.", valueName: "dir"))
  var images: String

  @Option(
    help: ArgumentHelp(
      "The part of Karpathy's file to take (default: test).", valueName: "name"))
  var split: String?

  @Option(
    name: .customLong("rerank-depths"),
    help: ArgumentHelp(
      "How many of the best go through ITM, several depths in one pass (BLIP's k_test: 128 for "
        + "1,000 pictures, 256 for COCO's 5,000); 0 is ITC alone.", valueName: "list"),
    transform: Self.depths)
  var depths = [0, 16, 32, 64, 128]

  @Option(
    help: ArgumentHelp(
      "What the cosine counts beside the match logit (default: what the model says, as a search "
        + "does; 1 in BLIP's own evaluation).", valueName: "w"))
  var itcWeight: Float?

  @Option(
    name: .customLong("index"),
    help: ArgumentHelp(
      "Take embeddings and patch features from this index (default: one of the pictures alone is "
        + "made in the folder of work).", valueName: "path"))
  var index: String?

  @OptionGroup var model: ModelOption
  @OptionGroup var precision: PrecisionOption

  @Option(
    help: ArgumentHelp(
      "The folder that keeps what is computed (default: bench in blip's cache).", valueName: "dir"))
  var work: String?

  @Option(
    help: ArgumentHelp("Write a JSON object, to standard output for -.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Write a page with curves and failures.", valueName: "file"))
  var html: String?

  @Option(
    name: .customLong("calibrate"),
    help: ArgumentHelp(
      "Store in this index, made with the same model, how its match probabilities are calibrated.",
      valueName: "index"))
  var calibrated: String?

  private static func depths(_ text: String) throws -> [Int] {
    let depths = text.split(separator: ",", omittingEmptySubsequences: false).map {
      Int($0).flatMap { RankingOptions.countBounds.contains(max($0, 1)) && $0 >= 0 ? $0 : nil }
    }
    guard !depths.contains(nil) else {
      throw ValidationError("Give depths from 0 to 10,000, such as 0,16,64.")
    }
    return depths.compactMap { $0 }
  }

  func validate() throws {
    for (option, value) in [
      ("--images", images), ("--split", split), ("--index", index), ("--work", work),
      ("--json", json), ("--html", html), ("--calibrate", calibrated),
    ] where value?.isEmpty == true {
      throw ValidationError("\(option) is empty.")
    }
    if let itcWeight, !(0...1_000_000).contains(itcWeight) {
      throw ValidationError("--itc-weight must be from 0 to 1,000,000.")
    }
    if calibrated != nil, !depths.contains(where: { $0 > 0 }) {
      throw ValidationError("--calibrate needs a depth that is not 0.")
    }
  }

  func run() async throws {
    let set = try CaptionedSet(captions: captions, images: images, split: split)
    Interruption.watch()
    guard let (model, report) = try await evaluate(set) else {
      Console.note("stopped; what is scored is kept, and the same command goes on from here")
      throw ExitCode(128 + (Interruption.signal ?? SIGINT))
    }
    let summary = BenchSummary(report: report, model: model)
    if json != "-" { try Console.output.write(summary.text) }
    if let json { try write(summary.json.text + "\n", to: json) }
    if let html {
      try BenchPage(summary: summary).write(to: html)
      Console.note("wrote \(printable(html))")
    }
    if let calibrated { try calibrate(calibrated, by: report, of: model) }
  }

  private func write(_ text: String, to path: String) throws {
    guard path != "-" else { return try Console.output.write(text) }
    var file = try AtomicFile.create(path)
    try file.write(text)
    try file.commit()
  }

  /// The model and what was found; nil where it was interrupted. The index is closed again.
  private func evaluate(_ set: CaptionedSet) async throws -> (BLIPModel, RetrievalReport)? {
    let work = try WorkFolder(workPath())
    var progress = BenchProgress(console: .error)
    defer { progress.finish() }
    let (model, store): (BLIPModel, IndexStore)
    if let index {
      DamagedIndex.reportCrashes(of: index)
      let searcher = try Searcher(
        index: index, modelPath: self.model.path(), precision: precision.precision,
        cache: CacheLocation.standard)
      (model, store) = (searcher.model, searcher.store)
      if let calibrated, calibrated != index {
        try IndexStore.requireModel(model, ofIndexAt: calibrated)
      }
    } else {
      model = try self.model.load(precision: precision.precision)
      if let calibrated { try IndexStore.requireModel(model, ofIndexAt: calibrated) }
      let request = work.indexing(set, with: model)
      guard try await index(request, with: model) else { return nil }
      store = try IndexStore.open(request.index)
    }
    let evaluation = RetrievalEvaluation(
      of: set, in: store, model: model, depths: depths,
      itcWeight: itcWeight ?? model.folder.configuration.itcWeight, work: work)
    let report = try await evaluation.run(
      shouldStop: { Interruption.signal != nil }, report: { progress.receive($0) })
    return report.map { (model, $0) }
  }

  /// Whether the index of the set's pictures is whole.
  private func index(_ request: IndexingRequest, with model: BLIPModel) async throws -> Bool {
    var progress = IndexingProgress(console: .error)
    defer { progress.finish() }
    return try await !Indexer(model: model, decoder: DecodeCommand.decoder).run(
      request, shouldStop: { Interruption.signal != nil }, report: { progress.receive($0) }
    ).interrupted
  }

  private func workPath() throws(CommandFailure) -> String {
    if let work { return work }
    guard let cache = CacheLocation.standard else {
      throw CommandFailure("$HOME is not set: say where to keep what is computed with --work DIR")
    }
    return cache + "/bench"
  }

  private func calibrate(
    _ index: String, by report: RetrievalReport, of model: BLIPModel
  ) throws {
    guard let calibration = report.matching?.calibration else {
      throw CommandFailure(
        "\(printable(index)): not calibrated: on these captions a greater match logit makes a match "
          + "no likelier")
    }
    DamagedIndex.reportCrashes(of: index)
    try IndexStore.calibrate(index, calibration, model: model, whenHeld: Console.noteWaiting)
    Console.note("\(printable(index)): its match probabilities are calibrated from here on")
  }
}
