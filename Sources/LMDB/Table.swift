internal import CLMDB
internal import Glibc

/// A typed handle to a named table; every call takes the transaction to run in.
package struct Table<Key: Codec, Value: Codec>: Sendable {
  /// The table's name.
  package let name: String
  private let number: UInt32
  private let owner: ObjectIdentifier

  /// Opens a table. If it does not exist, it is created when `create` is true; otherwise
  /// `ResultCode.notFound` is thrown. Once this transaction is committed, the handle is also valid
  /// in later ones.
  ///
  /// - Precondition: LMDB allows only one transaction at a time to open tables. In a writable
  ///   environment this must be a write transaction. In a read-only one, no other transaction of
  ///   the process may be opening tables: open them all once, before the environment is shared.
  package init<T: Transaction & ~Copyable>(
    opening name: String, in transaction: borrowing T, create: Bool = false
  ) throws(LMDBError) {
    let handle = transaction.handle
    precondition(
      handle.isWriting || handle.environment.access == .readOnly && !create,
      "table \(name) must be opened in a write transaction")
    self.name = name
    number = try handle.open(name, create: create)
    owner = ObjectIdentifier(handle.environment)
  }

  private init(name: String, number: UInt32, owner: ObjectIdentifier) {
    (self.name, self.number, self.owner) = (name, number, owner)
  }

  /// The same table with undecoded keys and values, for code that must continue past invalid
  /// entries.
  package var raw: Table<RawBytes, RawBytes> {
    Table<RawBytes, RawBytes>(name: name, number: number, owner: owner)
  }

  /// The value of a key; nil if the key does not exist.
  package func get<T: Transaction & ~Copyable>(_ key: Key.Value, in transaction: borrowing T) throws
    -> Value.Value?
  {
    try bytes(key, in: transaction) { try decode(Value.self, $0, transaction.handle) }
  }

  /// Whether the key exists.
  package func contains<T: Transaction & ~Copyable>(
    _ key: Key.Value, in transaction: borrowing T
  ) throws -> Bool {
    try bytes(key, in: transaction) { _ in } != nil
  }

  /// Passes the bytes of a key's value, in the memory map, to `body`; nil if the key does not
  /// exist.
  package func bytes<T: Transaction & ~Copyable, Result>(
    _ key: Key.Value, in transaction: borrowing T, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    try checked(transaction.handle).get(number, name, Key.encode(key)) { try body($0.bytes) }
  }

  /// As `bytes`, for a large value that is read once: the system is then told that its pages will
  /// not be needed soon, so that they no longer count towards this process's memory.
  package func bytesOnce<Result>(
    _ key: Key.Value, in transaction: borrowing ReadTransaction, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    try bytes(key, in: transaction) { bytes in
      defer {
        // A snapshot's values are in the map, never in a writer's memory, so the pages can be read
        // again from the file.
        bytes.withUnsafeBytes { bytes in
          let start = UInt(bitPattern: bytes.baseAddress)
          let first = start & ~UInt(sysconf(Int32(_SC_PAGESIZE)) - 1)
          madvise(
            UnsafeMutableRawPointer(bitPattern: first), Int(start - first) + bytes.count,
            MADV_DONTNEED)
        }
      }
      return try body(bytes)
    }
  }

  /// Stores a value, replacing any previous value of the key.
  package func put<T: WritingTransaction & ~Copyable>(
    _ key: Key.Value, _ value: Value.Value, in transaction: borrowing T
  ) throws(LMDBError) {
    try checked(transaction.handle)
      .put(number, name, Key.encode(key), Value.encode(value), flags: 0)
  }

  /// Stores a value under a key greater than all others in the table, which packs pages fully;
  /// throws `ResultCode.keyExists` if the key is not greater.
  package func append<T: WritingTransaction & ~Copyable>(
    _ key: Key.Value, _ value: Value.Value, in transaction: borrowing T
  ) throws(LMDBError) {
    try checked(transaction.handle)
      .put(number, name, Key.encode(key), Value.encode(value), flags: UInt32(MDB_APPEND))
  }

  /// Deletes a key and its value; returns false if the key did not exist.
  @discardableResult
  package func delete<T: WritingTransaction & ~Copyable>(
    _ key: Key.Value, in transaction: borrowing T
  ) throws(LMDBError) -> Bool {
    try checked(transaction.handle).delete(number, name, Key.encode(key))
  }

  /// Deletes all keys from `lower` through `upper`.
  package func deleteAll<T: WritingTransaction & ~Copyable>(
    in transaction: borrowing T, from lower: Key.Value, through upper: Key.Value
  ) throws {
    try checked(transaction.handle)
      .deleteAll(number, name, from: Key.encode(lower), through: Key.encode(upper))
  }

  /// Deletes all entries without decoding them.
  package func removeAll(in transaction: borrowing WriteTransaction) throws(LMDBError) {
    try checked(transaction.handle).removeAll(of: number, name)
  }

  /// Calls `body` with keys and values in the byte order of the keys, from `lower` through `upper`.
  ///
  /// - Precondition: `body` makes no changes in the same transaction.
  package func forEach<T: Transaction & ~Copyable>(
    in transaction: borrowing T, from lower: Key.Value? = nil, through upper: Key.Value? = nil,
    _ body: (Key.Value, Value.Value) throws -> Void
  ) throws {
    let handle = transaction.handle
    try forEachBytes(in: transaction, from: lower, through: upper) { key, value in
      try body(key, decode(Value.self, value, handle))
    }
  }

  /// As `forEach`, with the undecoded bytes of the values in the memory map.
  package func forEachBytes<T: Transaction & ~Copyable>(
    in transaction: borrowing T, from lower: Key.Value? = nil, through upper: Key.Value? = nil,
    _ body: (Key.Value, RawSpan) throws -> Void
  ) throws {
    let handle = checked(transaction.handle)
    try handle.scan(number, name, from: lower.map(Key.encode), through: upper.map(Key.encode)) {
      key, value in try body(decode(Key.self, key.bytes, handle), value.bytes)
    }
  }

  /// The number of entries in the table and the size of its pages.
  package func statistics<T: Transaction & ~Copyable>(in transaction: borrowing T) throws(LMDBError)
    -> TableStatistics
  {
    try checked(transaction.handle).statistics(of: number, name)
  }

  /// A table number is meaningful only in its own environment.
  private func checked(_ handle: TransactionHandle) -> TransactionHandle {
    precondition(
      ObjectIdentifier(handle.environment) == owner,
      "table \(name) and the transaction belong to different environments")
    return handle
  }

  private func decode<C: Codec>(_ codec: C.Type, _ bytes: RawSpan, _ handle: TransactionHandle)
    throws(LMDBError) -> C.Value
  {
    do throws(MalformedBytes) {
      return try C.decode(bytes)
    } catch {
      throw LMDBError(
        .corrupted, path: handle.environment.path,
        detail: "table \(name) is damaged (\(error.reason)); repair it")
    }
  }
}

/// The size of a table, as `Table.statistics` reports it.
package struct TableStatistics: Sendable, Equatable {
  /// The number of keys.
  package let entries: Int
  /// The size of the pages in use, in bytes.
  package let bytes: Int
}
