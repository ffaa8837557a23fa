internal import LMDB
internal import VectorIndex

/// What makes a row tell whether it is as it was written: behind the value lie the mark of the index (u32),
/// and a checksum (u32) of the value whose seed is made of the mark, the table and the key. A row that was
/// changed, that lies under another key or in another table, or that is of another index, is malformed.
struct RecordSeal: Sendable {
  static let size = 8

  private let mark: UInt32
  private let seed: UInt64

  /// - Parameter mark: A random number that is the index's own.
  init(mark: UInt32, table: String) {
    self.mark = mark
    seed = Array(table.utf8).withUnsafeBytes { checksum($0, seed: UInt64(mark)) }
  }

  /// A value with its seal.
  func sealed(_ value: [UInt8], key: [UInt8]) -> [UInt8] {
    var writer = ByteWriter(bytes: value)
    writer.write(mark)
    writer.write(sum(of: value.span.bytes, key))
    return writer.bytes
  }

  /// Throws unless the seal of a row is right.
  func verify(_ row: RawSpan, key: [UInt8]) throws(MalformedBytes) {
    let count = row.byteCount - Self.size
    guard count >= 0 else { throw MalformedBytes("a record of only \(row.byteCount) bytes") }
    let stored = row.unsafeLoadUnaligned(fromByteOffset: count + 4, as: UInt32.self)
    guard Self.mark(of: row) == mark,
      UInt32(littleEndian: stored) == sum(of: row.extracting(first: count), key)
    else { throw MalformedBytes("a record whose checksum is wrong") }
  }

  /// The mark that a row says; nil if it is too short for one.
  static func mark(of row: RawSpan) -> UInt32? {
    guard row.byteCount >= size else { return nil }
    return UInt32(
      littleEndian: row.unsafeLoadUnaligned(
        fromByteOffset: row.byteCount - size, as: UInt32.self))
  }

  private func sum(of value: RawSpan, _ key: [UInt8]) -> UInt32 {
    let keyed = key.withUnsafeBytes { checksum($0, seed: seed) }
    return UInt32(truncatingIfNeeded: value.withUnsafeBytes { checksum($0, seed: keyed) })
  }
}

/// A table of records that have a seal (`RecordSeal`); in an index of format 1 to 4 they have none.
struct SealedTable<Key: Codec, Value: Codec>: Sendable {
  /// The rows with their seals.
  let rows: Table<Key, RawBytes>
  private let seal: RecordSeal?
  /// The folder of the index, for errors.
  private let path: String

  var name: String { rows.name }

  /// - Parameter mark: The index's mark; nil in an index of format 1 to 4.
  init<T: Transaction & ~Copyable>(
    opening name: String, mark: UInt32?, at path: String, in transaction: borrowing T, create: Bool
  ) throws(LMDBError) {
    rows = try Table(opening: name, in: transaction, create: create)
    seal = mark.map { RecordSeal(mark: $0, table: name) }
    self.path = path
  }

  /// The bytes of a row.
  func encode(_ value: Value.Value, key: [UInt8]) -> [UInt8] {
    let bytes = Value.encode(value)
    return seal?.sealed(bytes, key: key) ?? bytes
  }

  /// The value of a row as it was written.
  func decode(_ row: RawSpan, key: [UInt8]) throws(MalformedBytes) -> Value.Value {
    guard let seal else { return try Value.decode(row) }
    try seal.verify(row, key: key)
    return try Value.decode(row.extracting(droppingLast: RecordSeal.size))
  }

  /// The value of a key; nil if the key does not exist.
  func get<T: Transaction & ~Copyable>(_ key: Key.Value, in transaction: borrowing T) throws
    -> Value.Value?
  {
    try rows.bytes(key, in: transaction) { try reading($0, Key.encode(key)) }
  }

  /// The value of a key if it is there and sound.
  func sound<T: Transaction & ~Copyable>(_ key: Key.Value, in transaction: borrowing T) throws
    -> Value.Value?
  {
    try rows.bytes(key, in: transaction) { try? decode($0, key: Key.encode(key)) } ?? nil
  }

  func contains<T: Transaction & ~Copyable>(
    _ key: Key.Value, in transaction: borrowing T
  ) throws -> Bool {
    try rows.contains(key, in: transaction)
  }

  func put<T: WritingTransaction & ~Copyable>(
    _ key: Key.Value, _ value: Value.Value, in transaction: borrowing T
  ) throws(LMDBError) {
    try rows.put(key, encode(value, key: Key.encode(key)), in: transaction)
  }

  /// Stores a value under a key greater than all others (`Table.append`).
  func append<T: WritingTransaction & ~Copyable>(
    _ key: Key.Value, _ value: Value.Value, in transaction: borrowing T
  ) throws(LMDBError) {
    try rows.append(key, encode(value, key: Key.encode(key)), in: transaction)
  }

  @discardableResult
  func delete<T: WritingTransaction & ~Copyable>(
    _ key: Key.Value, in transaction: borrowing T
  ) throws(LMDBError) -> Bool {
    try rows.delete(key, in: transaction)
  }

  func removeAll(in transaction: borrowing WriteTransaction) throws(LMDBError) {
    try rows.removeAll(in: transaction)
  }

  func forEach<T: Transaction & ~Copyable>(
    in transaction: borrowing T, _ body: (Key.Value, Value.Value) throws -> Void
  ) throws {
    try rows.forEachBytes(in: transaction) { key, row in
      try body(key, reading(row, Key.encode(key)))
    }
  }

  /// As `forEach`, with the bytes of the values.
  func forEachBytes<T: Transaction & ~Copyable>(
    in transaction: borrowing T, _ body: (Key.Value, RawSpan) throws -> Void
  ) throws {
    try rows.forEachBytes(in: transaction) { key, row in
      guard let seal else { return try body(key, row) }
      try damaging { () throws(MalformedBytes) in try seal.verify(row, key: Key.encode(key)) }
      try body(key, row.extracting(droppingLast: RecordSeal.size))
    }
  }

  func statistics<T: Transaction & ~Copyable>(in transaction: borrowing T) throws(LMDBError)
    -> TableStatistics
  {
    try rows.statistics(in: transaction)
  }

  /// Gives the rows of a table without seals their seals.
  func upgrade(
    from old: SealedTable<Key, Value>, in transaction: borrowing WriteTransaction
  ) throws {
    guard old.seal == nil, seal != nil else { return }
    var keys: [Key.Value] = []
    try old.rows.forEachBytes(in: transaction) { key, _ in keys.append(key) }
    for key in keys {
      if let value = try old.get(key, in: transaction) { try put(key, value, in: transaction) }
    }
  }

  private func reading(_ row: RawSpan, _ key: [UInt8]) throws(RetrievalError) -> Value.Value {
    do throws(MalformedBytes) { return try decode(row, key: key) } catch {
      throw RetrievalError.damaged(path, "table \(name) has \(error.reason)")
    }
  }

  private func damaging(_ body: () throws(MalformedBytes) -> Void) throws(RetrievalError) {
    do throws(MalformedBytes) { try body() } catch {
      throw RetrievalError.damaged(path, "table \(name) has \(error.reason)")
    }
  }
}
