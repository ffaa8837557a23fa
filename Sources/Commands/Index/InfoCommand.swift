import ArgumentParser
import BLIP
import Checkpoints
import Files
import Retrieval
import Tensors

struct InfoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Show what an index contains, or how this machine computes.",
    discussion: """
      EXAMPLES
        blip info
        blip info --index indexes/photos --failures
        blip info --left-out
        blip info --cpu
      """)

  @OptionGroup var index: IndexOption

  @Flag(name: .customLong("json"), help: "Print one JSON object.")
  var writesJSON = false

  @Flag(name: .customLong("failures"), help: "List all files that could not be indexed.")
  var listsFailures = false

  @Flag(
    name: .customLong("left-out"),
    help: "List the files of the collection that are not read as pictures, such as videos.")
  var listsLeftOut = false

  @Flag(
    name: .customLong("cpu"),
    help: "Show the processor and the kernels in use, not an index.")
  var showsProcessor = false

  /// The number of failures shown without --failures.
  private static let fewFailures = 5

  func validate() throws {
    if showsProcessor, listsFailures || listsLeftOut || index.given != nil {
      throw ValidationError("--cpu cannot be combined with --index, --failures or --left-out.")
    }
  }

  func run() async throws {
    guard !showsProcessor else {
      let report = ComputeReport.current
      return try Console.output.write(writesJSON ? report.json.text + "\n" : report.table)
    }
    let path = try index.pathReportingCrashes()
    let index = try await PictureIndex.open(path)
    let (metadata, contents) = (try index.metadata, try await index.statistics())
    let leftOut = listsLeftOut ? try await index.leftOutFiles() : nil
    try Console.output.write(
      writesJSON
        ? json(metadata, contents, leftOut, path: path).text + "\n"
        : table(metadata, contents, path: path) + (leftOut.map { "\n" + $0.table } ?? ""))
  }

  private func shown(_ contents: IndexStatistics) -> ArraySlice<FailureRecord> {
    contents.failures.prefix(listsFailures ? .max : Self.fewFailures)
  }

  private func table(
    _ metadata: IndexMetadata, _ contents: IndexStatistics, path: String
  ) -> String {
    var text = Table.facts(
      [
        ("index", printable(path)),
        ("name", printable(metadata.name)),
        (
          metadata.roots.all.count > 1 ? "roots" : "collection",
          metadata.roots.all.map { printable($0.path) }.joined(separator: "  ")
        ),
        ("settings", Self.describe(metadata.settings)),
        ("model", printable("\(metadata.model.name) (\(metadata.model.path))")),
        ("fingerprint", String(metadata.model.fingerprint.prefix(16))),
        ("precision", metadata.precision.rawValue),
        ("picture size", "\(metadata.sizes.image)×\(metadata.sizes.image)"),
        ("embedding", "\(metadata.sizes.embedding) dimensions"),
        ("features", features(metadata)),
        ("hubs", contents.isHubCorrected ? "corrected" : "not corrected"),
        (
          "vectors",
          "pictures \(Self.arrangement(contents.pictureVectors)), texts "
            + Self.arrangement(contents.textVectors)
        ),
        ("bytes per vector", contents.bytesPerVector.map { "\($0), with its embedding" } ?? "—"),
        (
          "words",
          contents.textBytesPerPicture.map { "\($0) bytes per picture" }
            ?? "not indexed (blip index does so)"
        ),
        (
          "text in pictures",
          contents.picturesWithText.map { "read; \(counted($0, "picture")) with words" }
            ?? "not read (blip index --ocr does so)"
        ),
        ("pictures", "\(contents.pictures)"),
        ("texts", Self.texts(contents)),
        ("failures", "\(contents.failures.count)"),
      ] + (Self.model(of: metadata)?.wordFacts ?? []))
    text +=
      "\n"
      + Table.aligned(
        [["table", "entries", "size"]]
          + contents.tables.map { [$0.name, "\($0.entries)", size(ofBytes: $0.bytes)] },
        rightAligned: [1, 2])
    if !contents.failures.isEmpty {
      text += "\nnot indexed:\n"
      for failure in shown(contents) {
        text +=
          "  \(printable(metadata.roots.name(of: failure.path))): \(printable(failure.reason)) "
        text += "(\(localTime(failure.when)))\n"
      }
      let rest = contents.failures.count - shown(contents).count
      if rest > 0 { text += "  and \(rest) more (see them with --failures)\n" }
    }
    return text
  }

  /// What is left out besides the usual, and whether links are followed.
  private static func describe(_ settings: CollectionSettings) -> String {
    let exclude = settings.exclude.isEmpty ? [] : ["--exclude"] + settings.exclude
    let words = exclude + (settings.followsLinks ? ["--follow"] : [])
    return words.isEmpty ? "the usual" : printable(words.joined(separator: " "))
  }

  /// How the index's model is configured; nil if it is no longer where it was.
  private static func model(of metadata: IndexMetadata) -> ModelConfiguration? {
    (try? ModelFolder(path: metadata.model.path))?.configuration
  }

  private static func texts(_ contents: IndexStatistics) -> String {
    let synthetic = contents.syntheticTexts
    return "\(contents.texts)" + (synthetic > 0 ? ", \(synthetic) of them synthetic" : "")
  }

  /// "flat (exact)", or the number of lists and their measured recall.
  private static func arrangement(_ vectors: VectorSummary) -> String {
    guard let lists = vectors.lists else {
      return vectors.hasCodes ? "flat (exact)" : "without codes (exact; blip index creates them)"
    }
    return "\(lists.count) lists (nprobe \(fixed(lists.nprobe, 1)), recall "
      + "\(fixed(lists.recall, 3)) of \(lists.target))"
  }

  private static func json(_ vectors: VectorSummary) -> JSONOutput {
    .object([
      ("vectors", .integer(vectors.vectors)),
      ("kind", .string(vectors.lists == nil ? "flat" : "lists")),
      ("lists", vectors.lists.map { .integer($0.count) }),
      ("nprobe", vectors.lists.map { .float(Float($0.nprobe)) }),
      ("recall", vectors.lists.map { .float(Float($0.recall)) }),
      ("recall_target", vectors.lists.map { .float(Float($0.target)) }),
    ])
  }

  private func features(_ metadata: IndexMetadata) -> String {
    guard metadata.features != .none else { return "none" }
    return
      "\(metadata.features.rawValue), \(metadata.sizes.featureRows)×\(metadata.sizes.featureColumns)"
  }

  private func json(
    _ metadata: IndexMetadata, _ contents: IndexStatistics, _ leftOut: [LeftOutFile]?,
    path: String
  ) -> JSONOutput {
    return .object([
      ("index", .string(path)), ("name", .string(metadata.name)),
      ("collection", .string(metadata.collection)),
      ("roots", .array(metadata.roots.all.map { .string($0.path) })),
      ("exclude", .array(metadata.settings.exclude.map { .string($0) })),
      ("follow", .boolean(metadata.settings.followsLinks)),
      (
        "model",
        .object([
          ("name", .string(metadata.model.name)), ("path", .string(metadata.model.path)),
          ("fingerprint", .string(metadata.model.fingerprint)),
        ])
      ),
      ("precision", .string(metadata.precision.rawValue)),
      ("image_size", .integer(metadata.sizes.image)),
      ("embedding_size", .integer(metadata.sizes.embedding)),
      ("features", .string(metadata.features.rawValue)),
      ("hub_corrected", .boolean(contents.isHubCorrected)),
      ("picture_vectors", Self.json(contents.pictureVectors)),
      ("text_vectors", Self.json(contents.textVectors)),
      ("bytes_per_vector", contents.bytesPerVector.map { .integer($0) }),
      ("calibration", Self.model(of: metadata)?.calibration?.json),
      ("text_bytes_per_picture", contents.textBytesPerPicture.map { .integer($0) }),
      ("pictures_with_text", contents.picturesWithText.map { .integer($0) }),
      ("pictures", .integer(contents.pictures)), ("texts", .integer(contents.texts)),
      ("synthetic_texts", .integer(contents.syntheticTexts)),
      ("failures", .integer(contents.failures.count)),
      (
        "tables",
        .array(
          contents.tables.map {
            .object([
              ("name", .string($0.name)), ("entries", .integer($0.entries)),
              ("bytes", .integer($0.bytes)),
            ])
          })
      ),
      (
        "failed",
        .array(
          shown(contents).map {
            .object(
              JSONOutput.path(metadata.roots.name(of: $0.path), "path") + [
                ("reason", .string($0.reason)), ("when", .integer(Int($0.when))),
              ])
          })
      ),
      ("left_out", leftOut.map(\.json)),
    ])
  }
}
