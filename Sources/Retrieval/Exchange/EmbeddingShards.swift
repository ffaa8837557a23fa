internal import Files
internal import Store

/// A row of an `.npy` file and the line of metadata that belongs to it.
struct EmbeddingRow {
  let numbers: [Float]
  fileprivate let file: String
  fileprivate let row: Int
  /// Nothing where the table has no metadata.
  let metadata: ArraySlice<UInt8>
  fileprivate let metadataFile: String
  fileprivate let line: Int

  /// The line of metadata, for errors.
  var place: String { "\(metadataFile): line \(line)" }

  /// The numbers as an embedding that has length 1 already, as an export has them.
  func embedding() throws(RetrievalError) -> [Float] {
    let length = try length()
    guard abs(length - 1) <= EmbeddingCodec.normTolerance else {
      throw fault("an embedding of length \(length), not 1: it is not as it was exported")
    }
    return numbers
  }

  /// The numbers brought to length 1.
  func normalised() throws(RetrievalError) -> [Float] {
    let length = try length()
    return numbers.map { Float(Double($0) / length) }
  }

  private func length() throws(RetrievalError) -> Double {
    let length = Store.length(of: numbers)
    guard length.isFinite else { throw fault("a number that is not finite as float32") }
    guard length > 0 else { throw fault("an embedding of zeros, which has no direction") }
    return length
  }

  private func fault(_ reason: String) -> RetrievalError {
    RetrievalError("\(file): row \(row) (counted from 0) has \(reason)")
  }
}

/// The rows of a table that is stored in numbered parts (`img_emb_0.npy`, `img_emb_1.npy` …), in the
/// order of their numbers, with the metadata of the same number beside each.
struct EmbeddingShards {
  private struct Part {
    let file: String
    let metadata: String?
  }

  /// Some megabytes of numbers are read at once, at most.
  private static let numbersAtOnce = 1 << 20

  /// Rows of all parts.
  let rows: Int
  private let columns: Int
  private var parts: ArraySlice<Part>
  private var current: PartReader?

  /// Looks at all parts in `folder/name`. `metadata` is the folder of their metadata, if they have
  /// any. Every table must have as many columns as an embedding has numbers.
  init(_ folder: String, _ name: String, metadata: String?, columns: Int) throws(RetrievalError) {
    let files = try Self.numbered(folder, name, ExportLayout.embeddingSuffix)
    let lines = try metadata.map { name throws(RetrievalError) in
      try Self.numbered(folder, name, ExportLayout.metadataSuffix)
    }
    if let metadata, let lines, lines.keys.sorted() != files.keys.sorted() {
      let alone = Set(files.keys).symmetricDifference(lines.keys).min()!
      throw RetrievalError(
        "\(folder): part \(alone) is in only one of \(name) and \(metadata); give both")
    }
    self.columns = columns
    var rows = 0
    for file in files.values {
      let header = try Self.open(file, columns: columns).header
      rows += header.rows
    }
    self.rows = rows
    parts = files.sorted { $0.key < $1.key }.map { Part(file: $1, metadata: lines?[$0]) }[...]
  }

  private static func open(_ file: String, columns: Int) throws(RetrievalError) -> NumpyFile {
    let numpy = try NumpyFile(file)
    guard numpy.header.columns == columns else {
      throw RetrievalError(
        .foreignEmbeddings,
        "\(file): rows of \(counted(numpy.header.columns, "number")), and the model's embeddings "
          + "have \(columns); give the model that made them")
    }
    return numpy
  }

  /// The parts of a folder by their numbers.
  private static func numbered(_ folder: String, _ name: String, _ suffix: String)
    throws(RetrievalError) -> [Int: String]
  {
    let place = "\(folder)/\(name)"
    let entries: [FolderEntry]
    do { entries = try FileSystem.entries(ofFolder: Array(place.utf8)) } catch {
      throw RetrievalError(
        "\(place): \(error); give a folder that blip export or clip-retrieval made")
    }
    let names = entries.map { String(decoding: $0.name, as: UTF8.self) }
    var files: [Int: String] = [:]
    for file in names where file.hasPrefix("\(name)_") && file.hasSuffix(suffix) {
      let digits = file.dropFirst(name.count + 1).dropLast(suffix.count)
      guard let number = Int(digits), number >= 0 else {
        throw RetrievalError(
          "\(place)/\(file): a part without a number; call it \(name)_0\(suffix)")
      }
      guard files.updateValue("\(place)/\(file)", forKey: number) == nil else {
        throw RetrievalError("\(place)/\(file): there are two parts \(number)")
      }
    }
    guard files.isEmpty else { return files }
    if let table = names.first(where: { $0.hasSuffix(".parquet") }) {
      throw RetrievalError(
        "\(place)/\(table): Parquet is not read; write it as JSON lines (pandas: "
          + "to_json(\"\(name)_0\(suffix)\", orient=\"records\", lines=True))")
    }
    throw RetrievalError("\(place): there is no \(name)_0\(suffix) in it")
  }

  /// The next row; nil at the end.
  mutating func next() throws(RetrievalError) -> EmbeddingRow? {
    while true {
      if let row = try current?.next() { return row }
      guard let part = parts.popFirst() else { return nil }
      current = PartReader(
        table: try Self.open(part.file, columns: columns), file: part.file,
        lines: try part.metadata.map { path throws(RetrievalError) in
          try asRetrievalError { try LineReader(path) }
        },
        rowsAtOnce: max(1, Self.numbersAtOnce / columns))
    }
  }
}

/// The rows of one part.
private struct PartReader {
  let table: NumpyFile
  let file: String
  var lines: LineReader?
  let rowsAtOnce: Int
  private var row = 0
  /// The numbers of the rows from `first` on.
  private var numbers: [Float] = []
  private var first = 0

  init(table: NumpyFile, file: String, lines: LineReader?, rowsAtOnce: Int) {
    (self.table, self.file, self.lines, self.rowsAtOnce) = (table, file, lines, rowsAtOnce)
  }

  /// The next row; nil at the end, where the metadata must end too.
  mutating func next() throws(RetrievalError) -> EmbeddingRow? {
    let line = try asRetrievalError { try lines?.next() }
    guard row < table.header.rows else {
      guard line == nil else { throw difference("more lines than") }
      return nil
    }
    if lines != nil, line == nil { throw difference("fewer lines than") }
    let columns = table.header.columns
    if row - first >= numbers.count / columns {
      first = row
      numbers = try table.rows(row..<min(row + rowsAtOnce, table.header.rows))
    }
    defer { row += 1 }
    let start = (row - first) * columns
    return EmbeddingRow(
      numbers: Array(numbers[start..<start + columns]), file: file, row: row,
      metadata: line ?? [], metadataFile: lines?.path ?? "", line: lines?.line ?? 0)
  }

  private func difference(_ what: String) -> RetrievalError {
    RetrievalError(
      "\(lines?.path ?? ""): \(what) the \(counted(table.header.rows, "row")) of \(file); "
        + "each needs one")
  }
}
