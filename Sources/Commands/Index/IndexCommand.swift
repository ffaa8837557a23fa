import ArgumentParser
import BLIP
import Checkpoints
import Glibc
import Retrieval

struct IndexCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index",
    abstract: "Makes an index of the pictures in a folder, or brings it up to date.",
    discussion: """
      New and changed pictures are encoded, vanished ones are dropped, the others are left alone. \
      It can be interrupted at any moment; the next run goes on where this one ended. A text file \
      beside a picture (cat.txt beside cat.png) gives it a caption.

      EXAMPLES
        blip index ~/Pictures
        blip index photos --exclude '*.gif' --exclude 'private/*'
        blip index ~/Pictures --model run/best
        blip index coco/val2014 --captions coco_karpathy_test.json
      """)

  @Argument(help: ArgumentHelp("The folder of the pictures.", valueName: "dir"))
  var folder: String

  @OptionGroup var index: IndexOption

  @Option(help: "The name of the index (default: the folder's).")
  var name: String?

  @OptionGroup var model: ModelOption
  @OptionGroup var precision: PrecisionOption

  @Option(
    help: ArgumentHelp(
      "Captions of the pictures: JSON [{image, caption}], JSONL, or TSV/CSV with a header.",
      valueName: "file"))
  var captions: String?

  @Option(
    help: ArgumentHelp(
      "Store patch features for reranking: none, bf16 or int8 (default: what the index has, else "
        + "bf16 for a model that reranks and none for one that does not).",
      valueName: "precision"),
    transform: Self.precision)
  var features: FeaturePrecision?

  @Option(
    help: ArgumentHelp(
      "Leave out what matches, such as '*.gif'; can be repeated.", valueName: "glob"))
  var exclude: [String] = []

  @Option(
    help: ArgumentHelp(
      "The share of the true nearest that a search of a large index is to find, 0.5 to 1 (default: "
        + "what the index has, else 0.99).",
      valueName: "share"))
  var recall: Double?

  @Flag(
    name: .customLong("rebuild"),
    help: "Make the vector index anew from the embeddings; pictures are not encoded again.")
  var rebuilds = false

  @Flag(
    name: .customLong("retry-failures"),
    help: "Try files again that could not be indexed, although they have not changed.")
  var retriesFailures = false

  @Flag(
    name: .customLong("allow-vanished"),
    help: ArgumentHelp(
      "Drop vanished pictures also where most of the collection seems gone (a disk that is not there "
        + "looks the same)."))
  var allowsVanished = false

  private static func precision(_ text: String) throws -> FeaturePrecision {
    guard let precision = FeaturePrecision(rawValue: text) else {
      throw ValidationError("Choose none, bf16 or int8.")
    }
    return precision
  }

  func validate() throws {
    if folder.isEmpty { throw ValidationError("The folder of the pictures has no name.") }
    if name?.isEmpty == true { throw ValidationError("--name is empty.") }
    if let recall, !(0.5...1).contains(recall) {
      throw ValidationError("--recall must be from 0.5 to 1.")
    }
    if captions?.isEmpty == true { throw ValidationError("--captions names no file.") }
  }

  func run() async throws {
    let indexPath = try index.path()
    try checkFolder()
    let existing = try IndexStore.metadata(at: indexPath)
    let model = try loadModel(for: existing)
    // Only a model that was asked for takes the place of the index's own.
    let predecessor =
      self.model.given == nil || existing?.modelFingerprint == model.folder.fingerprint
      ? nil : existing
    if let predecessor {
      Console.note(
        "the index was made with \(predecessor.modelName): an index with \(model.folder.name) is made "
          + "beside it and then takes its place")
    }
    let request = IndexingRequest(
      collection: folder, index: indexPath, name: name, captions: captions,
      features: features
        ?? (existing == nil || predecessor != nil ? Self.defaultFeatures(of: model) : nil),
      exclude: exclude, recall: recall, rebuildsVectors: rebuilds,
      retriesFailures: retriesFailures, allowsVanished: allowsVanished)

    Interruption.watch()
    var progress = IndexingProgress(console: .error)
    let summary: IndexingSummary
    do {
      let indexer = Indexer(model: model, decoder: DecodeCommand.decoder)
      let work = predecessor == nil ? indexer.run : indexer.replace
      summary = try await work(
        request, { Interruption.signal != nil }, { progress.receive($0) })
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
      throw CommandFailure("\(folder) is not a folder: name the folder that holds the pictures")
    }
  }

  /// The model given, else the one an index was made with, else the one that comes with blip.
  private func loadModel(for existing: IndexMetadata?) throws -> BLIPModel {
    var model = model
    if model.given == nil, let path = existing?.modelPath, access(path, F_OK) == 0 {
      model.given = path
    }
    return try model.load(
      precision: precision.precision == .auto
        ? existing?.precision ?? .auto : precision.precision)
  }

  /// A model that reranks needs every picture's patch features at search. bf16 keeps what ITM makes
  /// of them (its logits move less than the order of two hits depends on) at half the bytes.
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

  /// Exit codes: 128 + signal where interrupted, 1 where not one picture could be indexed.
  private func end(_ summary: IndexingSummary) throws {
    if summary.interrupted, let signal = Interruption.signal {
      Console.note("stopped; what is done is kept, and the same command goes on from here")
      throw ExitCode(128 + signal)
    }
    if summary.withheld > 0 {
      throw CommandFailure(
        "\(summary.withheld) pictures of the index are not in \(folder), most of it: none was dropped; "
          + "if they are gone for good, say so with --allow-vanished")
    }
    if summary.found > 0, summary.failed + summary.failedBefore == summary.found {
      throw CommandFailure("not one of the pictures in \(folder) could be indexed")
    }
  }
}
