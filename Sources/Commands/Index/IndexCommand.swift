import ArgumentParser
import BLIP
import Files
import Retrieval

struct IndexCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index",
    abstract: "Create an index of the pictures in folders, or update it.",
    usage: "blip index [<options>] <dir> ...",
    discussion: """
      EXAMPLES
        blip index ~/Pictures
        blip index photos --exclude '*.gif' --exclude 'private/*'
        blip index ~/Pictures /mnt/nas/photos
        blip index ~/Pictures --model run/best
        blip index coco/val2014 --captions coco_karpathy_test.json

      New and changed pictures are encoded, vanished ones are removed, and the others are left \
      alone. A run can be interrupted at any time; the next one continues where it stopped. A text \
      file next to a picture (cat.txt next to cat.png) provides its caption.

      --exclude and --follow are kept in the index for later runs. A file .blipignore in any folder \
      of the collection lists what to leave out, by the rules of .gitignore. Hidden folders and \
      folders of thumbnails or deleted files are left out, unless a pattern keeps them (!.album).
      """)

  @Argument(
    help: ArgumentHelp(
      "Folders of pictures to index. A folder that is not in the index yet is added; those that are "
        + "not named stay as they are (see blip roots).", valueName: "dir"))
  var folders: [String]

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
        "Captions of the pictures: JSON of COCO, Karpathy or [{image, caption}], JSONL, TSV or "
          + "CSV with a header, or a file of Flickr8k or Flickr30k.",
        valueName: "file"))
    var captions: String?

    @Option(
      help: ArgumentHelp(
        "Leave out what matches, such as '*.gif' or 'private/', by the rules of .gitignore; can be "
          + "repeated. (default: as in the index)",
        valueName: "pattern"))
    var exclude: [String] = []

    @Flag(name: .customLong("no-exclude"), help: "Forget the patterns of --exclude.")
    var forgetsExclude = false

    @Flag(
      name: .customLong("follow"), inversion: .prefixedNo,
      help: "Follow symbolic links to folders. (default: as in the index, else no)")
    var followsLinks: Bool?

    @Flag(
      name: .customLong("ocr"), inversion: .prefixedNo,
      help: ArgumentHelp(
        "Read the text that pictures show (English, by Tesseract; about a second per picture), so that "
          + "searches find its words; --no-ocr removes it. (default: as in the index, else no)"
      ))
    var readsText: Bool?

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
    if folders.contains(where: \.isEmpty) {
      throw ValidationError("The folder of pictures must not be empty.")
    }
    if naming.name?.isEmpty == true { throw ValidationError("--name must not be empty.") }
    if let recall = storage.recall, !(0.5...1).contains(recall) {
      throw ValidationError("--recall must be from 0.5 to 1.")
    }
    if pictures.forgetsExclude && !pictures.exclude.isEmpty {
      throw ValidationError(
        "--no-exclude cannot be combined with --exclude, which replaces patterns.")
    }
    if pictures.captions?.isEmpty == true {
      throw ValidationError("--captions must not be empty.")
    }
  }

  func run() async throws {
    let indexPath = try index.pathReportingCrashes()
    let options = try indexingOptions()
    let index = try await openOrCreate(indexPath)
    Interruption.watch()
    let summary = try await Interruption.cancelling { [folders] in
      try await Self.update(index, from: folders, options: options)
    }
    try Console.output.write(Self.describe(summary, indexPath: indexPath))
    try end(summary)
  }

  private func indexingOptions() throws -> IndexingOptions {
    var options = IndexingOptions(
      name: naming.name, captions: pictures.captions, features: storage.features,
      exclude: pictures.exclude.isEmpty && !pictures.forgetsExclude ? nil : pictures.exclude)
    options.followsLinks = pictures.followsLinks
    options.model = try model.path()
    options.recall = storage.recall
    options.rebuildsVectors = storage.rebuilds
    options.readsText = pictures.readsText
    options.retriesFailures = pictures.retriesFailures
    options.allowsVanished = pictures.allowsVanished
    return options
  }

  private func openOrCreate(_ path: String) async throws -> PictureIndex {
    let (precision, cache) = (precision.precision, CacheLocation.standard)
    do throws(RetrievalError) {
      return try await PictureIndex.open(
        path, precision: precision, cache: cache, decoder: DecodeCommand.decoder)
    } catch  where error.code == .noIndex {
      return try await PictureIndex.create(
        at: path, precision: precision, cache: cache, decoder: DecodeCommand.decoder)
    }
  }

  private static func update(
    _ index: PictureIndex, from folders: [String], options: IndexingOptions
  ) async throws -> IndexingSummary {
    var progress = IndexingProgress(console: .error)
    defer { progress.finish() }
    var summary = IndexingSummary()
    for try await event in index.update(from: folders, options: options) {
      if case .finished(let final) = event { summary = final } else { progress.receive(event) }
      Interruption.cancelIfRequested()
    }
    return summary
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
    var facts: [(name: String, value: String)] = [("found", "\(summary.found)")]
    if !summary.leftOut.isEmpty {
      facts.append(("left out", "\(LeftOutKind.describe(summary.leftOut)) (blip info --left-out)"))
    }
    facts += [
      ("added", "\(summary.added)"), ("changed", "\(summary.changed)"),
      ("moved", "\(summary.moved)"), ("unchanged", "\(summary.unchanged)"),
      ("vanished", "\(summary.vanished)"), ("failed", failed), ("texts", "\(summary.texts)"),
      ("time", time), ("index", printable(indexPath)),
    ]
    return Table.facts(facts)
  }

  /// Exits with 128 + the signal's number if interrupted, with 1 if nothing was done, and with 3 if a part
  /// of it could not be.
  private func end(_ summary: IndexingSummary) throws {
    if summary.interrupted {
      throw Interruption.stopped("progress is saved; run the same command to resume")
    }
    if summary.withheld > 0 {
      let text =
        "\(summary.withheld) indexed pictures, most of the index, are missing from "
        + "\(summary.incompleteRoots.map { printable($0) }.joined(separator: ", ")); nothing "
        + "was removed; to remove them, pass --allow-vanished"
      guard summary.hasChanges else { throw CommandFailure(text) }
      Console.note(text)
      throw PartialSuccess.exitCode
    }
    if summary.found > 0, summary.failed + summary.failedBefore == summary.found {
      throw CommandFailure(
        "none of the pictures in \(folders.joined(separator: ", ")) could be indexed")
    }
    for root in summary.absentRoots {
      Console.note("\(printable(root)) is not there or is empty; what the index holds of it stays")
    }
    if summary.unreadable > 0 {
      Console.note(
        "\(counted(summary.unreadable, "file or folder", "files or folders")) could not be looked at; what "
          + "the index holds of them stays")
    }
    if 10 * summary.failed > summary.found {
      Console.alarm(
        "\(summary.failed) of \(counted(summary.found, "picture")), more than a tenth of the collection, "
          + "could not be indexed; look at the reasons (blip info --failures)")
      throw PartialSuccess.exitCode
    }
    try PartialSuccess.end(
      failed: summary.failed, of: summary.found, "picture", "could not be indexed")
    if summary.unreadable > 0 || !summary.absentRoots.isEmpty { throw PartialSuccess.exitCode }
  }
}
