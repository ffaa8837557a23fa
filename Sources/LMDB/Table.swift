internal import CLMDB
internal import Glibc

/// A typed handle of a named table; the transaction is passed to every call.
public struct Table<Key: Codec, Value: Codec>: Sendable {
  /// The table's name.
  public let name: String
  private let number: UInt32
  private let owner: ObjectIdentifier

  /// Opens a table, or makes it where `create` says so and there is none; throws
  /// `ResultCode.notFound` where there is none. The handle is good for later transactions too if
  /// this one is committed.
  ///
  /// - Precondition: where the environment can be written, this is a write transaction (of which
  ///   there is one at a time, and LMDB opens tables in one transaction at a time). Where it is
  ///   open for reading, no other transaction of the process opens tables meanwhile: do it once,
  ///   before the environment is shared.
  public init<T: Transaction & ~Copyable>(
    opening name: String, in transaction: borrowing T, create: Bool = false
  ) throws(LMDBError) {
    let handle = transaction.handle
    precondition(
      handle.isWriting || handle.environment.access == .readOnly && !create,
      "table \(name) has to be opened in a write transaction")
    self.name = name
    number = try handle.open(name, create: create)
    owner = ObjectIdentifier(handle.environment)
  }

  private init(name: String, number: UInt32, owner: ObjectIdentifier) {
    (self.name, self.number, self.owner) = (name, number, owner)
  }

  /// The same table with keys and values as they lie: for who has to go on behind bytes that are no
  /// encoding of what they should be.
  public var raw: Table<RawBytes, RawBytes> {
    Table<RawBytes, RawBytes>(name: name, number: number, owner: owner)
  }

  /// The value of a key, nil where there is none.
  public func get<T: Transaction & ~Copyable>(_ key: Key.Value, in transaction: borrowing T) throws
    -> Value.Value?
  {
    try bytes(key, in: transaction) { try decode(Value.self, $0, transaction.handle) }
  }

  /// Whether there is a value for the key.
  public func contains<T: Transaction & ~Copyable>(
    _ key: Key.Value, in transaction: borrowing T
  ) throws -> Bool {
    try bytes(key, in: transaction) { _ in } != nil
  }

  /// Looks at the bytes of a key's value where they lie in the map; nil where there is none.
  public func bytes<T: Transaction & ~Copyable, Result>(
    _ key: Key.Value, in transaction: borrowing T, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    try checked(transaction.handle).get(number, name, Key.encode(key)) { try body($0.bytes) }
  }

  /// As `bytes`, for a large value that is looked at once: afterwards the system is told that its
  /// pages will not be read soon, so that they no longer count as this process's memory.
  public func bytesOnce<Result>(
    _ key: Key.Value, in transaction: borrowing ReadTransaction, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    try bytes(key, in: transaction) { bytes in
      defer {
        // A snapshot's values lie in the map, never in the memory of a writer: the pages can be read
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

  /// Stores a value, in place of the one that the key had.
  public func put(
    _ key: Key.Value, _ value: Value.Value, in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    try checked(transaction.handle)
      .put(number, name, Key.encode(key), Value.encode(value), flags: 0)
  }

  /// Stores a value under a key greater than all in the table, which leaves the pages full; throws
  /// `ResultCode.keyExists` where the key is not greater.
  public func append(
    _ key: Key.Value, _ value: Value.Value, in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    try checked(transaction.handle)
      .put(number, name, Key.encode(key), Value.encode(value), flags: UInt32(MDB_APPEND))
  }

  /// Deletes a key and its value; false where there was none.
  @discardableResult
  public func delete(_ key: Key.Value, in transaction: borrowing WriteTransaction)
    throws(LMDBError) -> Bool
  {
    try checked(transaction.handle).delete(number, name, Key.encode(key))
  }

  /// Deletes all keys from `lower` to `upper`, both included.
  public func deleteAll(
    in transaction: borrowing WriteTransaction, from lower: Key.Value, through upper: Key.Value
  ) throws {
    try checked(transaction.handle)
      .deleteAll(number, name, from: Key.encode(lower), through: Key.encode(upper))
  }

  /// Deletes everything, whatever state it is in.
  public func removeAll(in transaction: borrowing WriteTransaction) throws(LMDBError) {
    try checked(transaction.handle).removeAll(of: number, name)
  }

  /// Keys and values in the order of the keys' bytes, from `lower` to `upper`, both included.
  ///
  /// `body` changes nothing in the same transaction: that is a precondition failure.
  public func forEach<T: Transaction & ~Copyable>(
    in transaction: borrowing T, from lower: Key.Value? = nil, through upper: Key.Value? = nil,
    _ body: (Key.Value, Value.Value) throws -> Void
  ) throws {
    let handle = transaction.handle
    try forEachBytes(in: transaction, from: lower, through: upper) { key, value in
      try body(key, decode(Value.self, value, handle))
    }
  }

  /// As `forEach`, with the bytes of the values where they lie in the map.
  public func forEachBytes<T: Transaction & ~Copyable>(
    in transaction: borrowing T, from lower: Key.Value? = nil, through upper: Key.Value? = nil,
    _ body: (Key.Value, RawSpan) throws -> Void
  ) throws {
    let handle = checked(transaction.handle)
    try handle.scan(number, name, from: lower.map(Key.encode), through: upper.map(Key.encode)) {
      key, value in try body(decode(Key.self, key.bytes, handle), value.bytes)
    }
  }

  /// How many entries the table holds and how much of the file its pages take.
  public func statistics<T: Transaction & ~Copyable>(in transaction: borrowing T) throws(LMDBError)
    -> TableStatistics
  {
    try checked(transaction.handle).statistics(of: number, name)
  }

  /// A handle's number means another table in another environment.
  private func checked(_ handle: TransactionHandle) -> TransactionHandle {
    precondition(
      ObjectIdentifier(handle.environment) == owner,
      "table \(name) is of another environment than the transaction")
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
        detail: "table \(name) is damaged (\(error.reason)); delete the folder and build it again")
    }
  }
}

/// The size of a table.
public struct TableStatistics: Sendable, Equatable {
  /// Keys in it.
  public let entries: Int
  /// Pages in use times their size.
  public let bytes: Int
}
