import Captions
import Digests
import Files
import Glibc
import Images
import Store

/// Rows that an import left out.
public struct ImportOmissions: Sendable, Equatable {
  /// Pictures whose files are not in the collection.
  public var missing = 0
  /// The first of them, printable.
  public var missingExample: String?
  /// Files that are no pictures or cannot be read.
  public var unreadable = 0
  /// The first of them, printable, and why.
  public var unreadableExample: String?
  /// Captions that came without embeddings.
  public var captions = 0
}

/// Embeddings that another program made, in clip-retrieval's layout.
///
/// They say which picture they are of and no more, so each picture's file is looked at for what an
/// index knows of it: its hash, its size, and its time, by which a later run leaves it alone. What has
/// no file is left out: a later run would drop it.
struct ClipRetrievalSource: ImportSource {
  private(set) var omissions = ImportOmissions()
  private let root: [UInt8]
  /// Folders that absolute paths may begin with: the collection as it was named, and as it resolves.
  private let roots: [[UInt8]]
  private let decoder = ImageDecoder()
  private var pictures: EmbeddingShards
  /// A caption's embedding for each picture.
  private var texts: EmbeddingShards?
  private var caption: ImportedItem?

  /// `collection`: as it was named.
  init(_ folder: String, collection: String, columns: Int) throws(RetrievalError) {
    root = try collectionRoot(collection)
    roots = [root, normalised(Self.absolute(Array(collection.utf8)))]
    pictures = try EmbeddingShards(
      folder, ExportLayout.pictures, metadata: ExportLayout.pictureMetadata, columns: columns)
    guard Self.exists(Array("\(folder)/\(ExportLayout.texts)".utf8)) else { return }
    guard !Self.exists(Array("\(folder)/\(ExportLayout.textMetadata)".utf8)) else {
      throw RetrievalError(
        "\(folder): an export of blip's without its \(ExportLayout.manifest); copy that too")
    }
    let texts = try EmbeddingShards(folder, ExportLayout.texts, metadata: nil, columns: columns)
    guard texts.rows == pictures.rows else {
      throw RetrievalError(
        "\(folder): \(counted(texts.rows, "row")) in \(ExportLayout.texts) and \(pictures.rows) in "
          + "\(ExportLayout.pictures); each picture needs one caption's")
    }
    self.texts = texts
  }

  mutating func next() throws -> ImportedItem? {
    if let item = caption {
      caption = nil
      return item
    }
    while let row = try pictures.next() {
      let text = try texts?.next()
      let metadata = try decoded(ClipRetrievalRow.self, row)
      let embedding = try row.normalised()
      let caption = try Self.caption(of: metadata, at: row)
      guard let record = try record(of: metadata.place.path, at: row) else { continue }
      if let caption {
        if let text {
          self.caption = .text(
            caption, .captions, embedding: try text.normalised(), isOfPicture: true)
        } else {
          omissions.captions += 1
        }
      }
      return .picture(record, embedding: embedding, place: row.place)
    }
    return nil
  }

  private static func caption(of metadata: ClipRetrievalRow, at row: EmbeddingRow)
    throws(RetrievalError) -> String?
  {
    let caption = CaptionFile.oneLine(metadata.caption ?? "")
    try requireCaption(caption, at: row)
    return caption.isEmpty ? nil : caption
  }

  /// What the file of a picture says of it; nil where there is none that can be read.
  private mutating func record(of path: [UInt8], at row: EmbeddingRow) throws(RetrievalError)
    -> PictureRecord?
  {
    let places = try places(of: path, at: row)
    let found = places.first { Self.exists(joined(root, $0)) }
    let place = found ?? places[0]
    do {
      let (bytes, status) = try FileSystem.read(joined(root, place), limit: decoder.maximumBytes)
      let facts = try decoder.probe(bytes)
      return PictureRecord(
        path: place, size: status.size, modified: status.modified,
        contentHash: SHA256.digest(of: bytes), width: facts.width, height: facts.height,
        orientation: facts.orientation)
    } catch FileError.system(ENOENT), FileError.system(ENOTDIR) {
      omissions.missing += 1
      omissions.missingExample = omissions.missingExample ?? printable(place)
    } catch {
      omissions.unreadable += 1
      omissions.unreadableExample = omissions.unreadableExample ?? "\(printable(place)): \(error)"
    }
    return nil
  }

  /// The paths relative to the collection that a path may mean: it counts from the collection or, as
  /// clip-retrieval writes it, from the folder that it was called in.
  private func places(of path: [UInt8], at row: EmbeddingRow) throws(RetrievalError) -> [[UInt8]] {
    let absolute = path.first == .slash ? [path] : [joined(root, path), Self.absolute(path)]
    let places = absolute.flatMap { path in
      roots.compactMap { relative(normalised(path), to: $0) }.filter { !$0.isEmpty }
    }
    guard !path.isEmpty, !path.contains(0), !places.isEmpty else {
      throw RetrievalError(
        .unknownCollection,
        "\(row.place): \(printable(path)) is not in \(printable(root)); give the folder that holds "
          + "all pictures")
    }
    return places
  }

  private static func absolute(_ path: [UInt8]) -> [UInt8] {
    guard path.first != .slash, let folder = try? FileSystem.resolved([.dot]) else { return path }
    return joined(folder, path)
  }

  private static func exists(_ path: [UInt8]) -> Bool {
    (try? FileSystem.status(path)) != nil
  }
}
