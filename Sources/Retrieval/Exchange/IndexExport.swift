import BLIP
import Checkpoints
import Files
package import Store

/// What an export wrote.
public struct ExportSummary: Sendable, Equatable {
  /// Pictures, with their embeddings.
  public let pictures: Int
  /// Texts, with their embeddings.
  public let texts: Int
}

extension IndexStore {
  /// Writes embeddings and what they are of into a new folder, in clip-retrieval's layout: `.npy` files
  /// and a line of JSON for each of their rows (`ExportLayout`). Patch features are left out.
  ///
  /// The folder appears whole or not at all; one that holds something already is an error. Memory does
  /// not grow with the index. Returns nil where `shouldStop` ended it.
  package func export(to folder: String, shouldStop: () -> Bool = { false }) throws
    -> ExportSummary?
  {
    try read { snapshot in
      let pictures = try snapshot.pictureCount()
      guard pictures > 0 else {
        throw RetrievalError("\(path): the index holds no pictures; there is nothing to export")
      }
      let target = try asRetrievalError { try NewFolder(folder) }
      var writer = try ExportWriter(target, snapshot)
      do {
        try snapshot.forEachPicture { id, record in
          if shouldStop() { throw Interrupted() }
          try writer.write(record, id, from: snapshot)
        }
      } catch is Interrupted { return nil }
      let summary = try writer.finish(snapshot)
      try asRetrievalError { try target.commit() }
      return summary
    }
  }
}

/// The files of an export, which grow together.
private struct ExportWriter {
  private let folder: NewFolder
  private let manifest: ExportManifest
  private let pictures: NumpyWriter
  private let metadata: OutputFile
  /// Nil where there are no texts: programs that read tables expect a row in them.
  private let texts: (embeddings: NumpyWriter, metadata: OutputFile)?
  private var pictureRows = 0
  private var textRows = 0

  init(_ folder: NewFolder, _ snapshot: borrowing IndexSnapshot) throws {
    let index = snapshot.metadata
    self.folder = folder
    manifest = ExportManifest(
      name: index.name, collection: index.collection,
      roots: index.roots.all.count > 1 ? index.roots.all.map(\.path) : nil,
      model: .init(
        name: index.model.name, path: index.model.path, fingerprint: index.model.fingerprint),
      precision: index.precision.rawValue, embeddingSize: index.sizes.embedding,
      pictures: try snapshot.pictureCount(), texts: try snapshot.textCount())
    pictures = try Self.table(
      ExportLayout.pictures, rows: manifest.pictures, columns: index.sizes.embedding, in: folder)
    metadata = try Self.lines(ExportLayout.pictureMetadata, in: folder)
    texts =
      manifest.texts == 0
      ? nil
      : (
        try Self.table(
          ExportLayout.texts, rows: manifest.texts, columns: index.sizes.embedding, in: folder),
        try Self.lines(ExportLayout.textMetadata, in: folder)
      )
  }

  private static func table(
    _ name: String, rows: Int, columns: Int, in folder: NewFolder
  ) throws -> NumpyWriter {
    let file = ExportLayout.firstPart(name, ExportLayout.embeddingSuffix)
    return try NumpyWriter(folder.place(of: file), rows: rows, columns: columns)
  }

  private static func lines(_ name: String, in folder: NewFolder) throws -> OutputFile {
    try OutputFile(folder.place(of: ExportLayout.firstPart(name, ExportLayout.metadataSuffix)))
  }

  /// Appends a picture and its texts.
  mutating func write(
    _ record: PictureRecord, _ id: UInt64, from snapshot: borrowing IndexSnapshot
  ) throws {
    guard pictureRows < manifest.pictures, let embedding = try snapshot.embedding(picture: id)
    else { throw RetrievalError.damaged(snapshot.path, "picture \(id) is incomplete") }
    let captions = try snapshot.texts(of: id)
    try pictures.write(embedding)
    try metadata.write(
      jsonLine(
        PictureRow(
          record, name: snapshot.metadata.roots.name(of: record.path),
          captions: captions.map(\.text))))
    try writeTexts(captions.map(\.id), imageRow: pictureRows, from: snapshot)
    pictureRows += 1
  }

  private mutating func writeTexts(
    _ ids: [UInt64], imageRow: Int?, from snapshot: borrowing IndexSnapshot
  ) throws {
    for id in ids {
      guard let texts, textRows < manifest.texts, let record = try snapshot.text(id),
        let embedding = try snapshot.embedding(text: id)
      else { throw RetrievalError.damaged(snapshot.path, "text \(id) is incomplete") }
      try texts.embeddings.write(embedding)
      try texts.metadata.write(jsonLine(TextRow(record, imageRow: imageRow)))
      textRows += 1
    }
  }

  /// Appends the texts of no picture, and says what all of it is.
  mutating func finish(_ snapshot: borrowing IndexSnapshot) throws -> ExportSummary {
    try writeTexts(snapshot.texts(of: nil).map(\.id), imageRow: nil, from: snapshot)
    guard pictureRows == manifest.pictures, textRows == manifest.texts else {
      throw RetrievalError.damaged(
        snapshot.path,
        "\(pictureRows) of \(manifest.pictures) pictures and \(textRows) of \(manifest.texts) "
          + "texts were found")
    }
    try pictures.finish()
    try metadata.finish()
    try texts?.embeddings.finish()
    try texts?.metadata.finish()
    let about = try OutputFile(folder.place(of: ExportLayout.manifest))
    try about.write(jsonLine(manifest))
    try about.finish()
    return ExportSummary(pictures: pictureRows, texts: textRows)
  }
}
