import BLIP
import Checkpoints
import Files
import FoundationEssentials
public import Store

/// What to import, where to.
package struct ImportRequest: Sendable {
  /// A folder that `IndexStore.export` wrote, or one in the same layout that another program made.
  package var folder: String
  /// The folder of the index; made where there is none. It must hold no pictures.
  package var index: String
  /// The folder that the pictures lie in; nil takes what an export says.
  package var collection: String?
  /// The folder of the model that the embeddings are of; nil takes what an export says, else the
  /// default model. For embeddings made elsewhere this is taken on trust.
  package var model: String?

  /// A request with all its parts.
  package init(folder: String, index: String, collection: String? = nil, model: String? = nil) {
    (self.folder, self.index, self.collection, self.model) = (folder, index, collection, model)
  }
}

/// What came of an import.
public struct ImportSummary: Sendable, Equatable {
  /// Pictures in the index now.
  public var pictures = 0
  /// Texts in the index now.
  public var texts = 0
  /// What was left out.
  public var omissions = ImportOmissions()
  /// The metadata of the index.
  public var metadata: IndexMetadata
}

/// Fills an index with embeddings that are there already: nothing is encoded.
///
/// The index has all of them in the end or, after an error or an interruption, none. It stores no
/// patch features, since embeddings come without.
package struct IndexImport {
  /// Rows that go into one transaction.
  private static let rowsPerCommit = 4096
  private let request: ImportRequest
  private let metadata: IndexMetadata
  private let bank: TextBank?
  private var source: any ImportSource

  /// Looks at all but the rows: whose embeddings they are, how many, and of what length.
  package init(_ request: ImportRequest) throws {
    self.request = request
    let folder = request.folder
    if let manifest = try Self.manifest(of: folder) {
      let model = try ModelLocator(export: folder, model: manifest.model)
        .folder(given: request.model)
      metadata = try Self.metadata(manifest, model, request)
      bank = try TextBank(of: model)
      source = try ExportedSource(folder, manifest)
    } else {
      guard let collection = request.collection else {
        throw RetrievalError(
          .unknownCollection,
          "\(folder): no \(ExportLayout.manifest) in it, so these embeddings were made elsewhere; "
            + "give the folder of their pictures")
      }
      let model = try ModelFolder(path: request.model ?? BLIPModel.defaultModelPath())
      let root = try collectionRoot(collection)
      bank = try TextBank(of: model)
      // Their precision is unknown; new pictures are computed as precisely as possible.
      metadata = IndexMetadata(
        name: printable(lastComponent(of: root)), model: model, precision: .fp32, features: .none,
        collection: String(decoding: root, as: UTF8.self))
      source = try ClipRetrievalSource(
        folder, collection: collection, columns: metadata.sizes.embedding)
    }
  }

  static func manifest(of folder: String) throws(RetrievalError) -> ExportManifest? {
    let path = "\(folder)/\(ExportLayout.manifest)"
    let bytes: [UInt8]
    do {
      bytes = try FileSystem.read(Array(path.utf8), limit: ExportManifest.maximumBytes).bytes
    } catch {
      let isThere = (try? FileSystem.status(Array(folder.utf8)))?.kind == .folder
      guard isThere else {
        throw RetrievalError("\(folder): no such folder; name one that blip export wrote")
      }
      guard (try? FileSystem.status(Array(path.utf8))) != nil else { return nil }
      throw RetrievalError("\(path): \(error)")
    }
    do {
      let manifest = try JSONDecoder().decode(ExportManifest.self, from: Data(bytes))
      guard manifest.version == ExportManifest.currentVersion else {
        throw RetrievalError(
          "\(path): an export of version \(manifest.version); this program reads version "
            + "\(ExportManifest.currentVersion)")
      }
      return manifest
    } catch let error as RetrievalError {
      throw error
    } catch let error as DecodingError {
      throw RetrievalError("\(path): \(reason(error)); export again")
    } catch { throw RetrievalError("\(path): \(error)") }
  }

  /// The metadata of the new index; the manifest's own numbers must be those of its model.
  private static func metadata(
    _ manifest: ExportManifest, _ model: ModelFolder, _ request: ImportRequest
  ) throws -> IndexMetadata {
    let path = "\(request.folder)/\(ExportLayout.manifest)"
    guard let precision = Precision(rawValue: manifest.precision), precision != .auto else {
      throw RetrievalError("\(path): the precision \(manifest.precision.debugDescription)")
    }
    let root = try request.collection.map {
      String(decoding: try collectionRoot($0), as: UTF8.self)
    }
    let roots = try manifest.collectionRoots(in: request.folder)
    guard roots == nil || request.collection == nil else {
      throw RetrievalError(
        .invalidOption,
        "\(request.folder): an export of several folders is imported where they lay; name no folder, and "
          + "move the roots of the index afterwards")
    }
    var metadata = IndexMetadata(
      name: manifest.name, model: model, precision: precision, features: .none,
      collection: root ?? manifest.collection)
    if let roots { metadata.roots = roots }
    guard manifest.embeddingSize == metadata.sizes.embedding else {
      throw RetrievalError(
        "\(path): embeddings of \(manifest.embeddingSize) numbers, and those of the model "
          + "\(model.name) have \(metadata.sizes.embedding); export again")
    }
    return metadata
  }

  /// Imports; nil where `shouldStop` ended it. Waits while another run writes the index, of which
  /// `whenHeld` is told.
  package consuming func run(
    shouldStop: () -> Bool = { false }, whenHeld: (String) -> Void = { _ in }
  ) throws -> ImportSummary? {
    guard
      let lock = try WriterLock.take(
        of: request.index, shouldStop: shouldStop, whenHeld: whenHeld)
    else { return nil }
    defer { withExtendedLifetime(lock) {} }
    if try IndexStore.metadata(at: request.index) != nil {
      let present = try IndexStore.open(request.index).read {
        (try $0.pictureCount(), try $0.textCount())
      }
      guard present == (0, 0) else {
        throw RetrievalError(
          .indexNotEmpty,
          "\(request.index): holds \(counted(present.0, "picture")) and "
            + "\(counted(present.1, "text")) already; import into another index, or delete this "
            + "directory")
      }
    }
    let store = try IndexStore.openForWriting(request.index, metadata: metadata)
    try store.write { try $0.update(metadata) }
    guard try completeHubness(of: store, by: bank, shouldStop: shouldStop) else { return nil }
    var imported: [UInt64] = []
    do {
      let isWhole = try fill(store, &imported, shouldStop: shouldStop)
      guard isWhole, try store.updateVectorIndex(shouldStop: shouldStop) else {
        throw Interrupted()
      }
      guard !imported.isEmpty else { throw nothing }
      var summary = ImportSummary(metadata: metadata)
      summary.pictures = imported.count
      summary.texts = try store.read { try $0.textCount() }
      summary.omissions = source.omissions
      return summary
    } catch {
      // The original error is the one to report.
      try? Self.empty(store, of: imported)
      if error is Interrupted { return nil }
      throw error
    }
  }

  /// Puts all items into the index, a transaction for so many; false where it was interrupted.
  private mutating func fill(
    _ store: IndexStore, _ imported: inout [UInt64], shouldStop: () -> Bool
  ) throws -> Bool {
    while true {
      var items: [ImportedItem] = []
      while items.count < Self.rowsPerCommit, let item = try source.next() {
        if shouldStop() { return false }
        items.append(item)
      }
      if items.isEmpty { return true }
      var last = imported.last
      imported += try store.write { change in
        var added: [UInt64] = []
        for item in items {
          switch item {
          case .picture(let record, let embedding, let place):
            guard try change.pictureID(path: record.path) == nil else {
              throw RetrievalError(
                "\(place): \(printable(record.path)) stands twice; give each picture one row")
            }
            let id = try change.put(
              record, embedding: embedding, features: nil, hubness: bank?.hubness(of: embedding))
            added.append(id)
            last = id
          case .text(let text, let source, let embedding, let isOfPicture):
            try change.addText(
              TextRecord(text: text, picture: isOfPicture ? last : nil, source: source),
              embedding: embedding)
          }
        }
        return added
      }
    }
  }

  /// Takes out again what an import that did not come to its end put in.
  private static func empty(_ store: IndexStore, of pictures: [UInt64]) throws {
    let batch = 1000
    for start in stride(from: 0, to: pictures.count, by: batch) {
      try store.write { change in
        for id in pictures[start...].prefix(batch) { try change.removePicture(id) }
      }
    }
    try store.write { try $0.setTexts([], of: nil) }
  }

  private var nothing: RetrievalError {
    let omissions = source.omissions
    let example = omissions.unreadableExample ?? omissions.missingExample
    return RetrievalError(
      .unknownCollection,
      "\(request.folder): not one of its pictures is in \(metadata.collection)"
        + (example.map { " (for example \($0))" } ?? "")
        + "; give the folder of the pictures")
  }
}
