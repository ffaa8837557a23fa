package import Images
internal import LMDB

/// Look-ups in an index: in a snapshot, or in a write transaction, which sees its own changes.
package protocol IndexLookups: ~Copyable {
  /// The tables, in the transaction that they are read in.
  var reader: TableReader { get }
}

/// The tables of an index, and the transaction that they are read in.
///
/// - Precondition: it is not used after the end of the transaction.
package struct TableReader {
  let tables: IndexTables
  let transaction: TransactionReference

  init<T: Transaction & ~Copyable>(_ tables: IndexTables, in transaction: borrowing T) {
    self.tables = tables
    self.transaction = TransactionReference(transaction)
  }
}

extension IndexLookups where Self: ~Copyable {
  /// The index directory.
  package var path: String { reader.tables.path }

  /// A picture's row; nil where there is none.
  package func picture(_ id: UInt64) throws -> PictureRecord? {
    try reader.tables.pictures.get(id, in: reader.transaction)
  }

  /// The picture of a path; nil where there is none.
  package func pictureID(path: [UInt8]) throws -> UInt64? {
    try reader.tables.pictureID(path: path, in: reader.transaction)
  }

  /// The pictures whose files have this SHA-256 (32 bytes), by id.
  package func pictures(contentHash: [UInt8]) throws -> [UInt64] {
    var ids: [UInt64] = []
    try reader.tables.hashes.forEach(
      in: reader.transaction, from: (contentHash, 0), through: (contentHash, .max)
    ) { key, _ in ids.append(key.id) }
    return ids
  }

  /// What a picture's file says of itself; nil where that was not read. Empty where it says nothing.
  package func details(picture id: UInt64) throws -> PictureDetails? {
    try reader.tables.details?.get(id, in: reader.transaction)
  }

  /// A text's row; nil where there is none.
  package func text(_ id: UInt64) throws -> TextRecord? {
    try reader.tables.texts.get(id, in: reader.transaction)
  }

  /// The rows of a picture's texts (nil: texts of no picture), in the order they were given.
  package func textRecords(of picture: UInt64?) throws -> [(id: UInt64, record: TextRecord)] {
    try reader.tables.textIDs(of: picture, in: reader.transaction).map { id in
      guard let record = try text(id) else {
        throw RetrievalError.damaged(path, "there is no text \(id)")
      }
      return (id, record)
    }
  }

  /// Those texts themselves.
  package func texts(of picture: UInt64?) throws -> [(id: UInt64, text: String)] {
    try textRecords(of: picture).map { ($0.id, $0.record.text) }
  }
}
