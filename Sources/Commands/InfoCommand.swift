import ArgumentParser
import BLIP
import Retrieval

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Shows what an index holds.",
    discussion: """
      EXAMPLES
        blip info
        blip info --index indexes/photos --failures
      """)

  @OptionGroup var index: IndexOption

  @Flag(name: .customLong("json"), help: "Write one JSON object.")
  var writesJSON = false

  @Flag(name: .customLong("failures"), help: "List every file that could not be indexed.")
  var listsFailures = false

  /// As many failures are shown unasked.
  private static let fewFailures = 5

  func run() throws {
    let path = try index.path()
    let contents = try IndexStore.open(path).read { try IndexContents($0) }
    try Console.output.write(
      writesJSON ? json(contents, path: path).text + "\n" : table(contents, path: path))
  }

  private func shown(_ contents: IndexContents) -> ArraySlice<FailureRecord> {
    contents.failures.prefix(listsFailures ? .max : Self.fewFailures)
  }

  private func table(_ contents: IndexContents, path: String) -> String {
    let metadata = contents.metadata
    var text = Table.facts([
      ("index", printable(path)),
      ("name", printable(metadata.name)),
      ("collection", printable(metadata.collection)),
      ("model", printable("\(metadata.modelName) (\(metadata.modelPath))")),
      ("fingerprint", String(metadata.modelFingerprint.prefix(16))),
      ("precision", metadata.precision.rawValue),
      ("picture size", "\(metadata.imageSize)×\(metadata.imageSize)"),
      ("embedding", "\(metadata.embeddingSize) numbers"),
      ("features", features(metadata)),
      ("pictures", "\(contents.pictures)"),
      ("texts", "\(contents.texts)"),
      ("failures", "\(contents.failures.count)"),
    ])
    text +=
      "\n"
      + Table.aligned(
        [["table", "entries", "size"]]
          + contents.tables.map { [$0.name, "\($0.entries)", size(ofBytes: $0.bytes)] },
        rightAligned: [1, 2])
    if !contents.failures.isEmpty {
      text += "\nnot indexed:\n"
      for failure in shown(contents) {
        text += "  \(printable(failure.name)): \(printable(failure.reason))\n"
      }
      let rest = contents.failures.count - shown(contents).count
      if rest > 0 { text += "  and \(rest) more (see them with --failures)\n" }
    }
    return text
  }

  private func features(_ metadata: IndexMetadata) -> String {
    guard metadata.features != .none else { return "none" }
    return "\(metadata.features.rawValue), \(metadata.featureRows)×\(metadata.featureColumns)"
  }

  private func json(_ contents: IndexContents, path: String) -> JSONOutput {
    let metadata = contents.metadata
    return .object([
      ("index", .string(path)), ("name", .string(metadata.name)),
      ("collection", .string(metadata.collection)),
      (
        "model",
        .object([
          ("name", .string(metadata.modelName)), ("path", .string(metadata.modelPath)),
          ("fingerprint", .string(metadata.modelFingerprint)),
        ])
      ),
      ("precision", .string(metadata.precision.rawValue)),
      ("image_size", .integer(metadata.imageSize)),
      ("embedding_size", .integer(metadata.embeddingSize)),
      ("features", .string(metadata.features.rawValue)),
      ("pictures", .integer(contents.pictures)), ("texts", .integer(contents.texts)),
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
            .object([("path", .string($0.name)), ("reason", .string($0.reason))])
          })
      ),
    ])
  }
}

/// What an index holds, read in one snapshot.
private struct IndexContents {
  let metadata: IndexMetadata
  let pictures: Int
  let texts: Int
  let tables: [TableSize]
  let failures: [FailureRecord]

  init(_ snapshot: borrowing IndexSnapshot) throws {
    metadata = try snapshot.metadata()
    pictures = try snapshot.pictureCount()
    texts = try snapshot.textCount()
    tables = try snapshot.tableSizes()
    var failures: [FailureRecord] = []
    try snapshot.forEachFailure { failures.append($0) }
    self.failures = failures.sorted { $0.path.lexicographicallyPrecedes($1.path) }
  }
}

extension FailureRecord {
  /// The path as text.
  fileprivate var name: String { String(decoding: path, as: UTF8.self) }
}
