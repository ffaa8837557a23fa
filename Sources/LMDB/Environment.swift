internal import CLMDB
internal import Files
internal import Glibc
internal import Synchronization

/// An LMDB environment: a folder with `data.mdb` and `lock.mdb`, mapped into memory.
///
/// There is one writer at a time across all processes (a second one waits) and any number of
/// readers, each on the snapshot of when it began. A commit is durable when it returns. A process
/// can open a folder only once.
///
/// ```swift
/// let environment = try Environment("numbers", access: .readWrite)
/// let squares = try environment.write { transaction in
///   let squares = try Table<BigEndianUInt64, LittleEndianUInt64>(
///     opening: "squares", in: transaction, create: true)
///   try squares.put(3, 9, in: transaction)
///   return squares
/// }
/// let nine = try environment.read { try squares.get(3, in: $0) }
/// ```
package final class Environment: Sendable {
  /// Whether an environment is writable.
  package enum Access: Sendable { case readOnly, readWrite }

  /// The folder.
  package let path: String
  /// Whether it is writable.
  package let access: Access
  /// The address space reserved for the file, in bytes: the largest size it can grow to.
  package let mapSize: Int
  /// False if the folder is not writable, so that readers are not registered in its lock file.
  ///
  /// A writer in another process does not see such a reader and may overwrite the pages it is
  /// reading, with undefined results. Do not write to an index that users without write permission
  /// are reading.
  package let isLocked: Bool

  nonisolated(unsafe) let pointer: OpaquePointer
  /// The thread of this process that has a write transaction open.
  let writer = Mutex<pthread_t?>(nil)
  private let lock: FolderLock

  /// The address space reserved by default, in bytes.
  package static let standardMapSize = 1 << 40
  private static let smallestMapSize = 1 << 26
  private static let maximumTables: UInt32 = 32
  private static let maximumReaders: UInt32 = 512

  /// Opens the environment in the folder `path`, which must exist; with write access, `data.mdb` is
  /// created if it is missing.
  ///
  /// If the address space is limited (`ulimit -v`), less than the requested `mapSize` may be
  /// reserved; see ``mapSize``.
  /// - Parameter checked: Tables whose pages are checked, because LMDB trusts them.
  package convenience init(
    _ path: String, access: Access, mapSize: Int = Environment.standardMapSize,
    checking checked: Set<String> = []
  ) throws(LMDBError) {
    try self.init(
      path, access: access, mapSize: mapSize, checking: checked, lock: FolderLock(path))
  }

  /// Opens the environment of a folder that is already locked.
  init(
    _ path: String, access: Access, mapSize: Int, checking checked: Set<String> = [],
    lock: FolderLock
  ) throws(LMDBError) {
    let file = path + "/data.mdb"
    let exists = try DataFile.check(file, tables: checked)
    if access == .readOnly, !exists { throw LMDBError(.noSuchFile, path: file) }
    // LMDB initialises a file that is missing or empty.
    if !exists { truncate(file, 0) }

    var flags = UInt32(MDB_NOTLS)
    if access == .readOnly { flags |= UInt32(MDB_RDONLY) }
    var size = mapSize
    // If the address space is limited, the rest of the program gets as much as the map.
    while size / 4 >= Self.smallestMapSize, !ResourceLimits.hasAddressSpace(2 * size) { size /= 4 }
    while true {
      switch Self.open(path, flags: flags, mapSize: size) {
      case .success(let pointer):
        self.path = path
        self.access = access
        self.mapSize = size
        self.isLocked = flags & UInt32(MDB_NOLOCK) == 0
        self.pointer = pointer
        self.lock = lock
        if isLocked {
          // Entries of readers that died keep old pages from being reused.
          var dead: Int32 = 0
          _ = mdb_reader_check(pointer, &dead)
        }
        if !exists { lock.synchronise() }
        return
      case .failure(let error)
      where error.code == .permissionDenied && access == .readOnly
        && flags & UInt32(MDB_NOLOCK) == 0:
        flags |= UInt32(MDB_NOLOCK)
      case .failure(let error) where error.code == .noMemory && size / 4 >= Self.smallestMapSize:
        size /= 4
      case .failure(let error):
        throw error
      }
    }
  }

  deinit { mdb_env_close(pointer) }

  /// The number of the last transaction that was committed, by whatever process.
  package var lastTransaction: UInt64 {
    var info = MDB_envinfo()
    return mdb_env_info(pointer, &info) == MDB_SUCCESS ? UInt64(info.me_last_txnid) : 0
  }

  /// Whether the folder at ``path`` is still the one that was opened, and nobody asks for it alone.
  package var isCurrent: Bool {
    lock.isHeld(of: path) && !ExclusiveRequest.exists(in: path)
  }

  /// Whether the `data.mdb` of a folder was created but never written to, because its process was
  /// killed or the disk was full.
  package static func isUnwritten(_ path: String) -> Bool {
    DataFile.isUnwritten(path + "/data.mdb")
  }

  private static func open(_ path: String, flags: UInt32, mapSize: Int)
    -> Result<OpaquePointer, LMDBError>
  {
    var created: OpaquePointer?
    var code = mdb_env_create(&created)
    guard code == MDB_SUCCESS, let pointer = created else {
      return .failure(LMDBError(ResultCode(rawValue: code), path: path))
    }
    code = mdb_env_set_mapsize(pointer, mapSize)
    if code == MDB_SUCCESS { code = mdb_env_set_maxdbs(pointer, maximumTables) }
    if code == MDB_SUCCESS { code = mdb_env_set_maxreaders(pointer, maximumReaders) }
    // LMDB's own handler would print a message first.
    if code == MDB_SUCCESS { code = mdb_env_set_assert(pointer) { _, _ in abort() } }
    if code == MDB_SUCCESS { code = mdb_env_open(pointer, path, flags, 0o644) }
    guard code == MDB_SUCCESS else {
      mdb_env_close(pointer)
      return .failure(LMDBError(ResultCode(rawValue: code), path: path))
    }
    return .success(pointer)
  }

  /// Runs `body` on a snapshot.
  package func read<Result>(_ body: (borrowing ReadTransaction) throws -> Result) throws -> Result {
    let transaction = try ReadTransaction(self)
    return try body(transaction)
  }

  /// Runs `body` in a write transaction: commits when it returns, discards all changes when it
  /// throws.
  ///
  /// - Precondition: the thread is not inside another `write` of this environment.
  package func write<Result>(_ body: (borrowing WriteTransaction) throws -> Result) throws -> Result
  {
    let transaction = try WriteTransaction(self)
    let result = try body(transaction)
    try transaction.commit()
    return result
  }

  /// Checks the pages of a snapshot without LMDB, which trusts them.
  package func checkPages() throws(LMDBError) -> PageCheck {
    // Commits in between replace the meta page.
    for _ in 0..<Self.mostAttempts {
      let transaction = try ReadTransaction(self)
      let file = try PageFile(path + "/data.mdb")
      let number = transaction.snapshotID
      if let snapshot = file.snapshots.first(where: { $0.transaction == UInt64(number) }) {
        return file.check(snapshot)
      }
    }
    throw LMDBError(.busy, path: path, detail: "written to without a pause; try again")
  }

  private static let mostAttempts = 100

  /// Throws unless `code` is success.
  func check(_ code: Int32, table: String? = nil) throws(LMDBError) {
    guard code != MDB_SUCCESS else { return }
    let code = ResultCode(rawValue: code)
    throw LMDBError(code, path: path, detail: table.map { "table \($0): \(code)" })
  }
}
