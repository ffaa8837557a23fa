internal import CLMDB

/// A thin wrapper around LMDB's calls in a transaction.
///
/// The bytes it passes to closures are in the memory map (or, in a write transaction, in a modified
/// page) and valid only until the transaction ends or changes anything. A change while such a
/// closure runs is a precondition failure.
package final class TransactionHandle {
  let environment: Environment
  let isWriting: Bool
  private var pointer: OpaquePointer?
  /// The number of running closures that hold bytes of this transaction.
  private var views = 0

  init(_ environment: Environment, writing: Bool) throws(LMDBError) {
    self.environment = environment
    isWriting = writing
    let flags = writing ? 0 : UInt32(MDB_RDONLY)
    try environment.check(mdb_txn_begin(environment.pointer, nil, flags, &pointer))
  }

  var isOpen: Bool { pointer != nil }

  func commit() throws(LMDBError) {
    guard let open = pointer else { return }
    pointer = nil  // LMDB frees it even on failure.
    try environment.check(mdb_txn_commit(open))
  }

  func abort() {
    guard let open = pointer else { return }
    pointer = nil
    mdb_txn_abort(open)
  }

  private var transaction: OpaquePointer {
    guard let pointer else { preconditionFailure("the transaction has ended") }
    return pointer
  }

  var snapshotID: Int { mdb_txn_id(transaction) }

  func isEnvironmentEmpty() throws(LMDBError) -> Bool {
    var main: MDB_dbi = 0
    try environment.check(mdb_dbi_open(transaction, nil, 0, &main))
    var statistics = MDB_stat()
    try environment.check(mdb_stat(transaction, main, &statistics))
    return statistics.ms_entries == 0
  }

  func open(_ name: String, create: Bool) throws(LMDBError) -> MDB_dbi {
    var table: MDB_dbi = 0
    let code = mdb_dbi_open(transaction, name, create ? UInt32(MDB_CREATE) : 0, &table)
    if code == MDB_NOTFOUND {
      throw LMDBError(.notFound, path: environment.path, detail: "table \(name) does not exist")
    }
    try environment.check(code, table: name)
    var flags: UInt32 = 0
    try environment.check(mdb_dbi_flags(transaction, table, &flags), table: name)
    guard flags == 0 else { throw LMDBError(.incompatible, path: environment.path) }
    return table
  }

  func statistics(of table: MDB_dbi, _ name: String) throws(LMDBError) -> TableStatistics {
    var statistics = MDB_stat()
    try environment.check(mdb_stat(transaction, table, &statistics), table: name)
    let pages = statistics.ms_branch_pages + statistics.ms_leaf_pages + statistics.ms_overflow_pages
    return TableStatistics(
      entries: statistics.ms_entries, bytes: pages * Int(statistics.ms_psize))
  }

  /// Passes the value of `key` to `body`; nil if the key does not exist.
  func get<Result>(
    _ table: MDB_dbi, _ name: String, _ key: [UInt8],
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result? {
    var value = MDB_val()
    let code = key.withValue { key in mdb_get(transaction, table, &key, &value) }
    if code == MDB_NOTFOUND { return nil }
    try environment.check(code, table: name)
    views += 1
    defer { views -= 1 }
    return try body(UnsafeRawBufferPointer(value))
  }

  func put(_ table: MDB_dbi, _ name: String, _ key: [UInt8], _ value: [UInt8], flags: UInt32)
    throws(LMDBError)
  {
    preconditionNotBorrowed()
    let code = key.withValue { key in
      value.withValue { value in mdb_put(transaction, table, &key, &value, flags) }
    }
    try environment.check(code, table: name)
  }

  func delete(_ table: MDB_dbi, _ name: String, _ key: [UInt8]) throws(LMDBError) -> Bool {
    preconditionNotBorrowed()
    let code = key.withValue { key in mdb_del(transaction, table, &key, nil) }
    if code == MDB_NOTFOUND { return false }
    try environment.check(code, table: name)
    return true
  }

  /// Deletes all keys from `lower` through `upper`.
  func deleteAll(_ table: MDB_dbi, _ name: String, from lower: [UInt8], through upper: [UInt8])
    throws(LMDBError)
  {
    preconditionNotBorrowed()
    var opened: OpaquePointer?
    try environment.check(mdb_cursor_open(transaction, table, &opened), table: name)
    guard let cursor = opened else { return }
    defer { mdb_cursor_close(cursor) }
    var code: Int32
    repeat {
      // A deletion moves the cursor to the next key without returning it, so look it up again.
      code = lower.withValue { key in
        var value = MDB_val()
        let code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
        guard code == MDB_SUCCESS else { return code }
        if upper.lexicographicallyPrecedes(UnsafeRawBufferPointer(key)) { return MDB_NOTFOUND }
        return mdb_cursor_del(cursor, 0)
      }
    } while code == MDB_SUCCESS
    if code != MDB_NOTFOUND { try environment.check(code, table: name) }
  }

  func removeAll(of table: MDB_dbi, _ name: String) throws(LMDBError) {
    preconditionNotBorrowed()
    try environment.check(mdb_drop(transaction, table, 0), table: name)
  }

  /// The number of entries of every table, and the bytes that all tables need: the size of a copy
  /// without free pages.
  func contents() throws -> (entries: [String: Int], bytes: Int) {
    var main: MDB_dbi = 0
    try environment.check(mdb_dbi_open(transaction, nil, 0, &main))
    var names: [String] = []
    try scan(main, "main", from: nil, through: nil) { name, _ in
      names.append(String(decoding: name, as: UTF8.self))
    }
    var bytes = try statistics(of: main, "main").bytes
    var entries: [String: Int] = [:]
    for name in names {
      let table = try statistics(of: try open(name, create: false), name)
      entries[name] = table.entries
      bytes += table.bytes
    }
    var statistics = MDB_stat()
    try environment.check(mdb_env_stat(environment.pointer, &statistics))
    // The header is two pages.
    return (entries, bytes + 2 * Int(statistics.ms_psize))
  }

  /// Calls `body` with keys and values in the byte order of the keys, from `lower` (or the first)
  /// through `upper` (or the last).
  func scan(
    _ table: MDB_dbi, _ name: String, from lower: [UInt8]?, through upper: [UInt8]?,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var opened: OpaquePointer?
    try environment.check(mdb_cursor_open(transaction, table, &opened), table: name)
    guard let cursor = opened else { return }
    defer { mdb_cursor_close(cursor) }
    views += 1
    defer { views -= 1 }

    var key = MDB_val()
    var value = MDB_val()
    var code: Int32
    if let lower {
      code = lower.withValue { bound in
        key = bound
        return mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
      }
    } else {
      code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
    }
    while code == MDB_SUCCESS {
      let keyBytes = UnsafeRawBufferPointer(key)
      if let upper, upper.lexicographicallyPrecedes(keyBytes) { return }
      try body(keyBytes, UnsafeRawBufferPointer(value))
      code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
    }
    if code != MDB_NOTFOUND { try environment.check(code, table: name) }
  }

  private func preconditionNotBorrowed() {
    precondition(views == 0, "a change while bytes of the same transaction are in use")
  }
}

extension [UInt8] {
  /// LMDB takes keys and values by mutable pointers but does not write through them.
  fileprivate func withValue(_ body: (inout MDB_val) -> Int32) -> Int32 {
    withUnsafeBytes { bytes in
      var value = MDB_val(
        mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
      return body(&value)
    }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate init(_ value: MDB_val) {
    self.init(start: value.mv_data, count: value.mv_size)
  }
}
