internal import LMDB
public import Tensors

/// A consistent view of an index for as long as the closure runs.
public struct IndexSnapshot: ~Copyable {
  let transaction: ReadTransaction
  let tables: IndexTables

  /// What the `meta` table holds.
  public func metadata() throws -> IndexMetadata {
    try MetadataTable.read(tables.meta, of: tables.path, in: transaction)
  }

  /// How many pictures the index holds.
  public func pictureCount() throws -> Int {
    try tables.pictures.statistics(in: transaction).entries
  }

  /// How many texts the index holds.
  public func textCount() throws -> Int {
    try tables.texts.statistics(in: transaction).entries
  }

  /// How many files could not be indexed.
  public func failureCount() throws -> Int {
    try tables.failures.statistics(in: transaction).entries
  }

  /// Rows and bytes of every table.
  public func tableSizes() throws -> [TableSize] {
    try tables.sizes(in: transaction)
  }

  /// A picture's row; nil where there is none.
  public func picture(_ id: UInt64) throws -> PictureRecord? {
    try tables.pictures.get(id, in: transaction)
  }

  /// The picture of a path; nil where there is none.
  public func pictureID(path: [UInt8]) throws -> UInt64? {
    try tables.pictureID(path: path, in: transaction)
  }

  /// The pictures whose files have this SHA-256 (32 bytes), by id.
  public func pictures(contentHash: [UInt8]) throws -> [UInt64] {
    try tables.pictures(contentHash: contentHash, in: transaction)
  }

  /// All pictures by id.
  public func forEachPicture(_ body: (UInt64, PictureRecord) throws -> Void) throws {
    try tables.pictures.forEach(in: transaction, body)
  }

  /// A picture's ITC embedding; nil where there is no such picture.
  public func embedding(picture id: UInt64) throws -> [Float]? {
    try tables.embedding(picture: id, in: transaction)
  }

  /// Patch features, decoded to floats; nil where they are not stored.
  public func features(picture id: UInt64) throws -> Matrix? {
    try tables.features(picture: id, in: transaction)
  }

  /// A text's row; nil where there is none.
  public func text(_ id: UInt64) throws -> TextRecord? {
    try tables.texts.get(id, in: transaction)
  }

  /// The texts of a picture (nil: texts of no picture), in the order they were given.
  public func texts(of picture: UInt64?) throws -> [(id: UInt64, text: String)] {
    try tables.texts(of: picture, in: transaction)
  }

  /// A text's ITC embedding; nil where there is no such text.
  public func embedding(text id: UInt64) throws -> [Float]? {
    try tables.embedding(text: id, in: transaction)
  }

  /// All texts by id.
  public func forEachText(_ body: (UInt64, TextRecord) throws -> Void) throws {
    try tables.texts.forEach(in: transaction, body)
  }

  /// All failures, in no order that means anything.
  public func forEachFailure(_ body: (FailureRecord) throws -> Void) throws {
    try tables.failures.forEach(in: transaction) { _, failure in try body(failure) }
  }

  /// Exact nearest pictures by cosine (dot product of normalised embeddings) among those that
  /// `isIncluded` lets in, best first, ties by id.
  public func nearestPictures(
    to query: [Float], count: Int, where isIncluded: ((UInt64) -> Bool)? = nil
  ) throws -> [Neighbour] {
    try tables.nearest(
      in: tables.embeddings, to: query, count: count, where: isIncluded,
      transaction: transaction)
  }

  /// Exact nearest texts, as `nearestPictures`.
  public func nearestTexts(
    to query: [Float], count: Int, where isIncluded: ((UInt64) -> Bool)? = nil
  ) throws -> [Neighbour] {
    try tables.nearest(
      in: tables.textEmbeddings, to: query, count: count, where: isIncluded,
      transaction: transaction)
  }
}
