import Captions
import Files
import FoundationEssentials
import Glibc
import Store

/// What an import puts into an index, in this order.
enum ImportedItem {
  /// `place`: where it stands, for errors.
  case picture(PictureRecord, embedding: [Float], place: String)
  /// A text of the picture before it or, where `isOfPicture` is false, of none.
  case text(String, TextSource, embedding: [Float], isOfPicture: Bool)
}

/// Where an import takes its items from, one by one: an export of blip's, or a folder made elsewhere.
protocol ImportSource {
  /// The next item; nil at the end.
  mutating func next() throws -> ImportedItem?
  /// Rows that could not be taken, so far.
  var omissions: ImportOmissions { get }
}

/// An export of blip's: all that it says is taken as it is, once it was checked.
struct ExportedSource: ImportSource {
  let omissions = ImportOmissions()
  private var pictures: EmbeddingShards
  private var texts: EmbeddingShards?
  /// The text that comes next, which waits for its picture.
  private var waiting: (row: EmbeddingRow, text: TextRow)?
  private var picturesGiven = 0
  /// The roots that absolute paths of pictures lie in; nil for an export of a single root.
  private let roots: CollectionRoots?

  init(_ folder: String, _ manifest: ExportManifest) throws(RetrievalError) {
    let columns = manifest.embeddingSize
    roots = try manifest.collectionRoots(in: folder)
    pictures = try EmbeddingShards(
      folder, ExportLayout.pictures, metadata: ExportLayout.pictureMetadata, columns: columns)
    if manifest.texts > 0 {
      texts = try EmbeddingShards(
        folder, ExportLayout.texts, metadata: ExportLayout.textMetadata, columns: columns)
    }
    for (what, rows, promised) in [
      ("picture", pictures.rows, manifest.pictures), ("text", texts?.rows ?? 0, manifest.texts),
    ] where rows != promised {
      throw RetrievalError(
        "\(folder): rows of \(counted(rows, what)), and \(ExportLayout.manifest) says \(promised); "
          + "copy the whole folder again")
    }
    try advance()
  }

  mutating func next() throws -> ImportedItem? {
    if picturesGiven > 0, let (row, text) = waiting, text.imageRow == picturesGiven - 1 {
      return try take(row, text, isOfPicture: true)
    }
    if let row = try pictures.next() {
      let record = try placed(decoded(PictureRow.self, row).record, at: row)
      if let fault = Self.fault(of: record) { throw RetrievalError("\(row.place): \(fault)") }
      picturesGiven += 1
      return .picture(record, embedding: try row.embedding(), place: row.place)
    }
    guard let (row, text) = waiting else { return nil }
    guard text.imageRow == nil else {
      throw RetrievalError(
        "\(row.place): a text of the picture in row \(text.imageRow!), which is not there or was "
          + "before: texts stand in the order of their pictures")
    }
    return try take(row, text, isOfPicture: false)
  }

  private mutating func take(
    _ row: EmbeddingRow, _ text: TextRow, isOfPicture: Bool
  ) throws -> ImportedItem {
    guard let source = text.textSource else {
      throw RetrievalError("\(row.place): a text of the source \(text.source.debugDescription)")
    }
    try requireCaption(text.caption, at: row)
    let embedding = try row.embedding()
    try advance()
    return .text(text.caption, source, embedding: embedding, isOfPicture: isOfPicture)
  }

  private mutating func advance() throws(RetrievalError) {
    waiting = nil
    if let row = try texts?.next() { waiting = (row, try decoded(TextRow.self, row)) }
  }

  /// A record with the path that it is stored by.
  private func placed(_ record: PictureRecord, at row: EmbeddingRow) throws(RetrievalError)
    -> PictureRecord
  {
    guard let roots else {
      guard record.path.first != .slash else {
        throw RetrievalError(
          "\(row.place): \(printable(record.path)) is no path below a collection")
      }
      return record
    }
    guard let path = roots.storedPath(ofLocation: record.path) else {
      throw RetrievalError(
        "\(row.place): \(printable(record.path)) is in none of the export's roots")
    }
    var placed = record
    placed.path = path
    return placed
  }

  /// Why a record is none that an index can have; nil where it is one.
  private static func fault(of record: PictureRecord) -> String? {
    let absolute = [.slash] + CollectionRoots.parts(of: record.path).path
    // A longer path than the system takes is of no file.
    if record.path.contains(0) || record.path.count > Int(PATH_MAX)
      || normalised(absolute) != absolute
    {
      return "\(printable(record.path)) is no path below a collection"
    }
    return record.fault
  }
}

extension ExportManifest {
  /// The roots of an export of several; nil for one of a single root.
  func collectionRoots(in folder: String) throws(RetrievalError) -> CollectionRoots? {
    guard let roots, roots.count > 1 else { return nil }
    let all = CollectionRoots(
      roots.enumerated().map { CollectionRoot(number: $0.offset, path: $0.element) })
    let isAbsolute = roots.allSatisfy { normalised(Array($0.utf8)) == Array($0.utf8) }
    guard isAbsolute, all.fault == nil else {
      throw RetrievalError(
        "\(folder)/\(ExportLayout.manifest): roots that are no separate folders; export again")
    }
    return all
  }
}

/// The object that a row's line of metadata must be.
func decoded<Row: Decodable>(_ type: Row.Type, _ row: EmbeddingRow) throws(RetrievalError) -> Row {
  do { return try JSONDecoder().decode(type, from: Data(row.metadata)) } catch {
    guard let error = error as? DecodingError else {
      throw RetrievalError("\(row.place): \(error)")
    }
    throw RetrievalError("\(row.place): \(reason(error))")
  }
}

/// Longer captions than a captions file may have would cost memory, and no encoder reads them.
func requireCaption(_ caption: String, at row: EmbeddingRow) throws(RetrievalError) {
  guard caption.utf8.count <= CaptionFile.maximumCaptionBytes else {
    throw RetrievalError(
      "\(row.place): a caption of \(caption.utf8.count) bytes; at most "
        + "\(CaptionFile.maximumCaptionBytes) are taken")
  }
}

/// What is wrong with a JSON object, in a few words.
func reason(_ error: DecodingError) -> String {
  func name(_ path: [any CodingKey]) -> String {
    path.isEmpty ? "the line" : path.map(\.stringValue).joined(separator: ".")
  }
  return switch error {
  case .keyNotFound(let key, _): "there is no \(key.stringValue)"
  case .valueNotFound(_, let context): "\(name(context.codingPath)) has no value"
  case .typeMismatch(_, let context): "\(name(context.codingPath)) is not of the right type"
  case .dataCorrupted(let context):
    context.codingPath.isEmpty
      ? "not JSON, or with a number that does not fit"
      : "\(name(context.codingPath)) is not what it should be"
  @unknown default: "not what it should be"
  }
}
