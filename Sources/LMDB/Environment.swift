internal import CLMDB
internal import Glibc
internal import Synchronization

/// An LMDB environment: a folder with `data.mdb` and `lock.mdb`, mapped into memory.
///
/// One writer at a time over all processes (a second one waits), any number of readers, each on
/// the snapshot of its beginning. A commit is on the disk when it returns. A folder can be open
/// once in a process.
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
public final class Environment: Sendable {
  /// Whether an environment can be changed.
  public enum Access: Sendable { case readOnly, readWrite }

  /// The folder.
  public let path: String
  /// Whether it can be changed.
  public let access: Access
  /// The address space reserved for the file, in bytes: it can grow so far.
  public let mapSize: Int
  /// False where the folder cannot be written, so that readers leave no mark in its lock file.
  ///
  /// A writer elsewhere does not see such a reader and may overwrite the pages it reads; what it
  /// then reads is undefined. Nobody should write an index that others read from where they have
  /// no right to write.
  public let isLocked: Bool

  nonisolated(unsafe) let pointer: OpaquePointer
  /// The thread that has a write transaction open in this process.
  let writer = Mutex<pthread_t?>(nil)
  private let claim: FolderClaim

  /// What is reserved where the address space is not limited.
  public static let standardMapSize = 1 << 40
  private static let smallestMapSize = 1 << 26
  private static let maximumTables: UInt32 = 32
  private static let maximumReaders: UInt32 = 512

  /// Opens the environment in the folder `path`, which must exist; where it can be written and
  /// holds no `data.mdb`, that is made.
  ///
  /// Where the address space is limited (`ulimit -v`) less than `mapSize` is reserved, which
  /// ``mapSize`` then tells.
  public convenience init(
    _ path: String, access: Access, mapSize: Int = Environment.standardMapSize
  ) throws(LMDBError) {
    try self.init(path, access: access, mapSize: mapSize, claim: FolderClaim(path))
  }

  /// Opens the environment of a folder that is claimed already.
  init(_ path: String, access: Access, mapSize: Int, claim: FolderClaim) throws(LMDBError) {
    let file = path + "/data.mdb"
    let exists = try DataFile.check(file)
    if access == .readOnly, !exists { throw LMDBError(.noSuchFile, path: file) }
    // LMDB makes a file where there is none or an empty one.
    if !exists { truncate(file, 0) }

    var flags = UInt32(MDB_NOTLS)
    if access == .readOnly { flags |= UInt32(MDB_RDONLY) }
    var size = mapSize
    while true {
      switch Self.open(path, flags: flags, mapSize: size) {
      case .success(let pointer):
        self.path = path
        self.access = access
        self.mapSize = size
        self.isLocked = flags & UInt32(MDB_NOLOCK) == 0
        self.pointer = pointer
        self.claim = claim
        if isLocked {
          // Marks of readers that died keep old pages from being used again.
          var dead: Int32 = 0
          _ = mdb_reader_check(pointer, &dead)
        }
        if !exists { claim.synchronise() }
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

  /// Whether the `data.mdb` of a folder is one that was made and never written to: its process was
  /// killed, or found the disk full, before.
  public static func isUnwritten(_ path: String) -> Bool {
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
    // LMDB would first print a line of its own.
    if code == MDB_SUCCESS { code = mdb_env_set_assert(pointer) { _, _ in abort() } }
    if code == MDB_SUCCESS { code = mdb_env_open(pointer, path, flags, 0o644) }
    guard code == MDB_SUCCESS else {
      mdb_env_close(pointer)
      return .failure(LMDBError(ResultCode(rawValue: code), path: path))
    }
    return .success(pointer)
  }

  /// Runs `body` on a snapshot.
  public func read<Result>(_ body: (borrowing ReadTransaction) throws -> Result) throws -> Result {
    let transaction = try ReadTransaction(self)
    return try body(transaction)
  }

  /// Runs `body` in a write transaction: commits when it returns, leaves nothing when it throws.
  ///
  /// - Precondition: the thread is not inside another `write` of this environment.
  public func write<Result>(_ body: (borrowing WriteTransaction) throws -> Result) throws -> Result
  {
    let transaction = try WriteTransaction(self)
    let result = try body(transaction)
    try transaction.commit()
    return result
  }

  /// Throws unless `code` is success.
  func check(_ code: Int32, table: String? = nil) throws(LMDBError) {
    guard code != MDB_SUCCESS else { return }
    let code = ResultCode(rawValue: code)
    throw LMDBError(code, path: path, detail: table.map { "table \($0): \(code)" })
  }
}
