import ArgumentParser
import BLIP
import Checkpoints
import Files
import Glibc
import Retrieval
import Store

struct IndexCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index",
    abstract: "Create an index of the pictures in a folder, or update it.",
    usage: "blip index [<options>] <dir>",
    discussion: """
      EXAMPLES
        blip index ~/Pictures
        blip index photos --exclude '*.gif' --exclude 'private/*'
        blip index ~/Pictures --model run/best
        blip index coco/val2014 --captions coco_karpathy_test.json

      New and changed pictures are encoded, vanished ones are removed, and the others are left \
      alone. A run can be interrupted at any time; the next one continues where it stopped. A text \
      file next to a picture (cat.txt next to cat.png) provides its caption.
      """)

  @Argument(help: ArgumentHelp("Folder of pictures to index.", valueName: "dir"))
  var folder: String

  @OptionGroup(title: "Pictures") var pictures: PictureOptions
  @OptionGroup(title: "Search") var storage: StorageOptions
  @OptionGroup(title: "Index and model") var index: IndexOption
  @OptionGroup(title: "Index and model") var naming: NameOption
  @OptionGroup(title: "Index and model") var model: ModelOption
  @OptionGroup(title: "Index and model") var precision: PrecisionOption

  /// Which pictures are indexed, and with which captions.
  struct PictureOptions: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Captions of the pictures: JSON [{image, caption}], JSONL, or TSV/CSV with a header.",
        valueName: "file"))
    var captions: String?

    @Option(
      help: ArgumentHelp(
        "Skip files that match, such as '*.gif'; can be repeated.", valueName: "glob"))
    var exclude: [String] = []

    @Flag(
      name: .customLong("retry-failures"),
      help: "Retry files that could not be indexed, even if they have not changed.")
    var retriesFailures = false

    @Flag(
      name: .customLong("allow-vanished"),
      help: ArgumentHelp(
        "Remove vanished pictures even if they are most of the collection (an unmounted disk looks "
          + "the same)."))
    var allowsVanished = false
  }

  /// What is stored for searches.
  struct StorageOptions: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Store patch features for reranking: none, bf16 or int8. (default: as in the index; for a "
          + "new one bf16, or none if the model does not rerank)",
        valueName: "format"),
      transform: Self.precision)
    var features: FeaturePrecision?

    @Option(
      help: ArgumentHelp(
        "Target recall of approximate search, 0.5 to 1. (default: as in the index, else 0.99)",
        valueName: "share"))
    var recall: Double?

    @Flag(
      name: .customLong("rebuild"),
      help: "Rebuild the vector index from the stored embeddings; no picture is encoded again.")
    var rebuilds = false

    private static func precision(_ text: String) throws -> FeaturePrecision {
      guard let precision = FeaturePrecision(rawValue: text) else {
        throw ValidationError("Choose none, bf16 or int8.")
      }
      return precision
    }
  }

  /// What the index is called.
  struct NameOption: ParsableArguments {
    @Option(help: "Name of the index. (default: the folder's name)")
    var name: String?
  }

  func validate() throws {
    if folder.isEmpty { throw ValidationError("The folder of pictures must not be empty.") }
    if naming.name?.isEmpty == true { throw ValidationError("--name must not be empty.") }
    if let recall = storage.recall, !(0.5...1).contains(recall) {
      throw ValidationError("--recall must be from 0.5 to 1.")
    }
    if pictures.captions?.isEmpty == true {
      throw ValidationError("--captions must not be empty.")
    }
  }

  func run() async throws {
    let indexPath = try index.pathReportingCrashes()
    try checkFolder()
    let existing = try IndexStore.metadata(at: indexPath)
    let model = try loadModel(for: existing)
    // Only a model given on the command line replaces that of the index.
    let predecessor =
      self.model.given == nil || existing?.modelFingerprint == model.folder.fingerprint
      ? nil : existing
    if let predecessor {
      Console.note(
        "the index was built with \(predecessor.modelName): building a new one with "
          + "\(model.folder.name), which then replaces it")
    }
    let request = IndexingRequest(
      collection: folder, index: indexPath, name: naming.name,
      captions: pictures.captions,
      features: storage.features
        ?? (existing == nil || predecessor != nil ? Self.defaultFeatures(of: model) : nil),
      exclude: pictures.exclude, recall: storage.recall, rebuildsVectors: storage.rebuilds,
      retriesFailures: pictures.retriesFailures, allowsVanished: pictures.allowsVanished)

    Interruption.watch()
    var progress = IndexingProgress(console: .error)
    let summary: IndexingSummary
    do {
      let indexer = Indexer(model: model, decoder: DecodeCommand.decoder)
      let work = predecessor == nil ? indexer.run : indexer.replace
      summary = try await work(
        request, Interruption.isRequested, { progress.receive($0) })
    } catch {
      progress.finish()
      throw error
    }
    progress.finish()
    try Console.output.write(Self.describe(summary, indexPath: indexPath))
    try end(summary)
  }

  private func checkFolder() throws(CommandFailure) {
    var facts = stat()
    guard stat(folder, &facts) == 0 else {
      throw CommandFailure(
        "cannot read the folder \(folder): \(String(cString: strerror(errno)))")
    }
    guard facts.st_mode & S_IFMT == S_IFDIR else {
      throw CommandFailure("\(folder) is not a folder; give the folder of the pictures")
    }
  }

  /// The model given, else the one the index was built with, else the one shipped with blip.
  private func loadModel(for existing: IndexMetadata?) throws -> BLIPModel {
    var model = model
    if model.given == nil, let path = existing?.modelPath, access(path, F_OK) == 0 {
      model.given = path
    }
    return try model.load(
      precision: precision.precision == .auto
        ? existing?.precision ?? .auto : precision.precision)
  }

  /// A model that reranks needs the patch features of pictures when searching. bf16 halves their size
  /// and changes ITM's logits too little to reorder results.
  private static func defaultFeatures(of model: BLIPModel) -> FeaturePrecision {
    model.folder.configuration.rerankDepth == 0 ? .none : .bf16
  }

  private static func describe(_ summary: IndexingSummary, indexPath: String) -> String {
    let encoded = summary.added + summary.changed
    var time = duration(summary.seconds)
    if encoded > 0, summary.seconds > 0 {
      time += " (\(fixed(Double(encoded) / summary.seconds, 1)) pictures/s"
      if let busy = summary.encoderBusy { time += ", encoder busy \(fixed(100 * busy, 0)) %" }
      time += ")"
    }
    let failed =
      summary.failedBefore > 0
      ? "\(summary.failed), and \(summary.failedBefore) in earlier runs" : "\(summary.failed)"
    return Table.facts([
      ("found", "\(summary.found)"), ("added", "\(summary.added)"),
      ("changed", "\(summary.changed)"), ("moved", "\(summary.moved)"),
      ("unchanged", "\(summary.unchanged)"),
      ("vanished", "\(summary.vanished)"), ("failed", failed), ("texts", "\(summary.texts)"),
      ("time", time), ("index", printable(indexPath)),
    ])
  }

  /// Exits with 128 + the signal's number if interrupted, and with 1 if pictures were kept back or none
  /// could be indexed.
  private func end(_ summary: IndexingSummary) throws {
    if summary.interrupted {
      throw Interruption.stopped("progress is saved; run the same command to resume")
    }
    if summary.withheld > 0 {
      throw CommandFailure(
        "\(summary.withheld) indexed pictures, most of the index, are missing from \(folder); nothing "
          + "was removed; to remove them, pass --allow-vanished")
    }
    if summary.found > 0, summary.failed + summary.failedBefore == summary.found {
      throw CommandFailure("none of the pictures in \(folder) could be indexed")
    }
  }
}
