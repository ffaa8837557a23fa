internal import Digests
package import Images
internal import LMDB
package import Tensors

/// A write transaction over the tables; sees its own changes.
///
/// Arguments are checked before anything is changed: after a `RetrievalError` about them the
/// transaction is as it was, and the caller may continue.
package struct IndexWriter: IndexLookups, ~Copyable {
  let transaction: WriteTransaction
  let tables: IndexTables
  private let pending = PendingEmbeddings()
  private let pendingDocuments = PendingDocuments()
  let changed = ChangedRecords()

  init(transaction: consuming WriteTransaction, tables: IndexTables) {
    self.transaction = transaction
    self.tables = tables
  }

  /// The tables, with the changes of this transaction.
  package var reader: TableReader { TableReader(tables, in: transaction) }

  consuming func commit() throws {
    try storePending()
    try pendingDocuments.store(in: tables, transaction)
    try tables.completeWrite(changed.all, in: transaction)
    try transaction.commit()
  }

  /// What the `meta` table holds now.
  func metadata() throws -> IndexMetadata {
    try MetadataTable.read(tables.meta, of: tables.path, in: transaction)
  }

  /// Stores what a picture's file says of itself. Throws where there is no such picture.
  package func setDetails(_ details: PictureDetails, of id: UInt64) throws {
    guard try tables.pictures.contains(id, in: transaction) else {
      throw RetrievalError("\(tables.path): there is no picture \(id) for its details")
    }
    try willChangeWords(of: id)
    try tables.details?.put(id, details, in: transaction)
  }

  /// Stores what near-identical pictures are found by. Throws where there is no such picture.
  package func setSignature(_ signature: PictureSignature, of id: UInt64) throws {
    guard try tables.pictures.contains(id, in: transaction) else {
      throw RetrievalError("\(tables.path): there is no picture \(id) for its signature")
    }
    try tables.signatures?.put(id, signature, in: transaction)
  }

  /// Inserts, or replaces the picture of the same path (its id and its texts stay, but for synthetic
  /// ones of another content); clears a failure of that path. Returns the id. Without details,
  /// signature or shown text those of the same content stay.
  ///
  /// Throws where the embedding has not the index's size or not length 1 within 1e-3, and where
  /// features are given that have not the index's shape, are not finite, or that it does not store.
  /// - Parameter hubness: As `setHubness` takes it.
  @discardableResult
  package func put(
    _ record: PictureRecord, embedding: [Float], features: Matrix?, details: PictureDetails? = nil,
    signature: PictureSignature? = nil, shownText: String? = nil, hubness: Float? = nil
  ) throws -> UInt64 {
    let shown = String(decoding: record.path, as: UTF8.self)
    if let fault = record.fault ?? tables.fault(of: embedding) { throw unfit(shown, fault) }
    let encodedFeatures = try features.map { try encode($0, of: shown) }
    let pathHash = SHA256.digest(of: record.path)

    let id: UInt64
    if let known = try tables.paths.get(pathHash, in: transaction) {
      id = known
      let old = try existing(id)
      changed.add(.pictures, id)
      try willChangeWords(of: id)
      // What a captioner said was of another picture.
      if old.contentHash != record.contentHash {
        try removeTexts(of: id, where: \.isSynthetic)
        try tables.details?.delete(id, in: transaction)
        try tables.signatures?.delete(id, in: transaction)
        try tables.shownTexts?.delete(id, in: transaction)
      }
      try tables.hashes.delete((old.contentHash, id), in: transaction)
      try tables.features.delete(id, in: transaction)
      try tables.pictures.put(id, record, in: transaction)
      if let encodedFeatures {
        try tables.features.put(id, seal(encodedFeatures, of: id), in: transaction)
      }
    } else {
      id = try MetadataTable.nextID(.picture, tables.meta, of: tables.path, in: transaction)
      try willChangeWords(of: id)
      try tables.paths.put(pathHash, id, in: transaction)
      try tables.pictures.append(id, record, in: transaction)
      if let encodedFeatures {
        try tables.features.append(id, seal(encodedFeatures, of: id), in: transaction)
      }
    }
    if let details { try tables.details?.put(id, details, in: transaction) }
    if let signature { try tables.signatures?.put(id, signature, in: transaction) }
    if let shownText { try tables.shownTexts?.put(id, shownText, in: transaction) }
    try tables.hashes.put((record.contentHash, id), (), in: transaction)
    try tables.failures.delete(pathHash, in: transaction)
    try setHubness(hubness, of: id)
    try change(.pictures, id, to: embedding)
    return id
  }

  /// Updates size and time only (content unchanged). Throws where there is no such picture.
  package func touch(path: [UInt8], size: UInt64, modified: Int64) throws {
    guard let id = try pictureID(path: path) else {
      throw RetrievalError(
        "\(String(decoding: path, as: UTF8.self)): there is no such picture in \(tables.path)")
    }
    var record = try existing(id)
    record.size = size
    record.modified = modified
    try tables.pictures.put(id, record, in: transaction)
  }

  /// Gives a picture another path, size and time; its id and all that belongs to it stay. Returns
  /// false, and changes nothing, where there is no picture `from`, or one of another content, or
  /// already one at the new path.
  package func movePicture(from path: [UInt8], to record: PictureRecord) throws -> Bool {
    guard let id = try pictureID(path: path), try existing(id).contentHash == record.contentHash,
      try pictureID(path: record.path) == nil
    else { return false }
    if let fault = record.fault { throw unfit(String(decoding: record.path, as: UTF8.self), fault) }
    changed.add(.pictures, id)
    try willChangeWords(of: id)
    try tables.paths.delete(SHA256.digest(of: path), in: transaction)
    try tables.paths.put(SHA256.digest(of: record.path), id, in: transaction)
    try tables.pictures.put(id, record, in: transaction)
    try removeFailure(path: record.path)
    return true
  }

  /// Drops a picture with its embedding, features, details, signature and texts, also that
  /// which it shows. Throws where there is none.
  package func removePicture(_ id: UInt64) throws {
    guard let record = try picture(id) else {
      throw RetrievalError("\(tables.path): there is no picture \(id)")
    }
    changed.add(.pictures, id)
    try willChangeWords(of: id)
    try removeTexts(of: id)
    try tables.pictures.delete(id, in: transaction)
    try tables.paths.delete(SHA256.digest(of: record.path), in: transaction)
    try tables.hashes.delete((record.contentHash, id), in: transaction)
    try tables.features.delete(id, in: transaction)
    try tables.details?.delete(id, in: transaction)
    try tables.signatures?.delete(id, in: transaction)
    try tables.shownTexts?.delete(id, in: transaction)
    try setHubness(nil, of: id)
    try change(.pictures, id, to: nil)
  }

  /// Notes that a file could not be indexed, in place of an earlier note of the same path. A
  /// picture of that path stays.
  package func putFailure(_ failure: FailureRecord) throws {
    guard !failure.path.isEmpty else {
      throw RetrievalError("\(tables.path): a failure without a path")
    }
    try tables.failures.put(SHA256.digest(of: failure.path), failure, in: transaction)
  }

  /// Drops the note of a failure, if there is one.
  package func removeFailure(path: [UInt8]) throws {
    try tables.failures.delete(SHA256.digest(of: path), in: transaction)
  }

  /// Name, roots, settings and model path: what may change between runs.
  package func update(_ metadata: IndexMetadata) throws {
    try MetadataTable.update(tables.meta, metadata, in: transaction)
  }

  func change(_ space: VectorSpace, _ id: UInt64, to embedding: [Float]?) throws {
    pending.set(space, id, to: embedding)
    if pending.isFull { try storePending() }
  }

  /// Notes a picture whose words are about to change, so that the text index is kept up.
  func willChangeWords(of picture: UInt64?) throws {
    guard let picture else { return }
    if pendingDocuments.isFull { try pendingDocuments.store(in: tables, transaction) }
    try pendingDocuments.willChange(picture, in: tables, transaction)
  }

  private func storePending() throws {
    try pending.store { space, changes in
      try tables.apply(changes, to: space, in: transaction)
    }
  }

  private func existing(_ id: UInt64) throws -> PictureRecord {
    guard let record = try picture(id) else {
      throw RetrievalError.damaged(tables.path, "there is no picture \(id)")
    }
    return record
  }

  private func encode(_ features: Matrix, of shown: String) throws -> [UInt8] {
    let layout = tables.layout
    guard features.rows == layout.sizes.featureRows, features.columns == layout.sizes.featureColumns
    else {
      throw RetrievalError(
        "\(shown): \(features.rows)×\(features.columns) features where \(tables.path) holds "
          + "\(layout.sizes.featureRows)×\(layout.sizes.featureColumns)")
    }
    do throws(MalformedBytes) {
      return try FeatureCodec.encode(features, as: layout.features)
    } catch {
      throw unfit(shown, error.reason)
    }
  }

  private func seal(_ features: [UInt8], of id: UInt64) -> [UInt8] {
    FeatureCodec.sealed(features, seed: tables.featureSeed(id))
  }

  private func unfit(_ shown: String, _ fault: String) -> RetrievalError {
    RetrievalError("\(shown): cannot be stored in \(tables.path) (\(fault))")
  }
}
