internal import CLMDB
internal import Files
internal import Glibc

/// Reclaims the disk space of free pages by replacing the data file with LMDB's compacted copy.
///
/// **Why no other process may have the environment open.** A process that has it open keeps using
/// the old file after the rename. Its writes would be lost, and `lock.mdb`, which records the
/// newest transaction, would serve two files: a process that opens the new one would look for a
/// transaction that is not in it. So the folder is locked exclusively, from before the file is
/// examined until the new file is in place. Every `Environment` holds a shared lock from before it
/// opens a file until after it closes it: while another process holds one, compaction is refused,
/// and a process that arrives during compaction waits and then opens the new file. Programs that do
/// not take this lock are detected once, at the start. With the exclusive lock held nobody writes,
/// so LMDB's own write lock is not needed.
///
/// **Why a killed process does no harm.** The copy is written in a temporary folder, synced and
/// checked before a single `rename` replaces the original: `data.mdb` is always either the old file
/// or the new one. A killed process leaves only the temporary folder, which the next compaction
/// removes.
package struct Compaction: ~Copyable {
  /// The temporary subfolder of the environment's folder in which the copy is written.
  package static let temporaryName = "compact.tmp"

  /// The size of the data file, in bytes.
  package let bytesBefore: Int
  /// The size of the copy, in bytes, which must be free on the disk in addition to the file.
  package let bytesNeeded: Int
  /// The free space on the disk, in bytes.
  package let bytesFree: Int

  private let path: String
  private let lock: FolderLock
  private let entries: [String: Int]

  /// Locks the folder for the lifetime of the value and measures how much can be reclaimed. Throws
  /// `ResultCode.busy` if the environment is open elsewhere.
  package init(_ path: String) throws {
    let lock = try FolderLock(path, isExclusive: true)
    guard !Self.isOpenToOthers(path) else {
      throw LMDBError(
        .busy, path: path,
        detail: "open in another program (an older blip, or an LMDB tool); wait until it exits, or "
          + "stop it, and try again")
    }
    Self.removeTemporary(of: path)
    let contents = try Self.contents(of: path, lock)
    let file = try Self.status(path + "/data.mdb")
    var disk = statvfs()
    guard statvfs(path, &disk) == 0 else {
      throw LMDBError(ResultCode(rawValue: errno), path: path)
    }
    (self.path, self.lock, entries) = (path, lock, contents.entries)
    (bytesBefore, bytesNeeded) = (Int(file.st_size), contents.bytes)
    bytesFree = Int(clamping: UInt64(disk.f_bavail) * UInt64(disk.f_frsize))
  }

  /// Writes the copy, runs `check` on its folder, and replaces the data file with it. Returns the
  /// new size in bytes. If anything throws, the original file is unchanged.
  package func run(check: (String) throws -> Void) throws -> Int {
    defer { Self.removeTemporary(of: path) }
    let folder = path + "/" + Self.temporaryName
    guard mkdir(folder, 0o700) == 0 else {
      throw LMDBError(ResultCode(rawValue: errno), path: folder)
    }
    let (file, copy) = (path + "/data.mdb", folder + "/data.mdb")
    try Self.copy(path, lock, to: copy, like: try Self.status(file))
    let copied = try Self.contents(of: folder, try FolderLock(folder)).entries
    guard copied == entries else {
      throw LMDBError(
        .corrupted, path: path, detail: "its copy is incomplete, so the original is damaged")
    }
    try check(folder)
    let bytes = Int(try Self.status(copy).st_size)
    do throws(FileError) { try FileSystem.rename(copy, to: file) } catch {
      throw LMDBError(ResultCode(rawValue: error.code), path: file)
    }
    return bytes
  }

  /// Whether a program that does not take the folder lock has the environment open: LMDB itself
  /// holds a lock on the first byte of `lock.mdb` while it is open. This process must not have it
  /// open, because closing the descriptor here would release its locks.
  private static func isOpenToOthers(_ path: String) -> Bool {
    let file = open(path + "/lock.mdb", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    var lock = Glibc.flock()
    (lock.l_type, lock.l_whence, lock.l_start, lock.l_len) = (Int16(F_WRLCK), 0, 0, 1)
    return fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
  }

  /// The number of entries of every table and the bytes that all tables need. The environment is
  /// closed on return.
  private static func contents(of path: String, _ lock: FolderLock) throws
    -> (entries: [String: Int], bytes: Int)
  {
    try environment(path, lock).read { try $0.handle.contents() }
  }

  private static func environment(_ path: String, _ lock: FolderLock) throws(LMDBError)
    -> Environment
  {
    try Environment(
      path, access: .readOnly, mapSize: Environment.standardMapSize, lock: lock)
  }

  /// Writes and syncs the copy, with the original file's owner and mode. The environment is closed
  /// on return.
  private static func copy(
    _ path: String, _ lock: FolderLock, to copy: String, like file: stat
  ) throws(LMDBError) {
    let descriptor = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw LMDBError(ResultCode(rawValue: errno), path: copy) }
    defer { close(descriptor) }
    let environment = try environment(path, lock)
    let code = mdb_env_copyfd2(environment.pointer, descriptor, UInt32(MDB_CP_COMPACT))
    guard code != MDB_INCOMPATIBLE else {
      throw LMDBError(
        .corrupted, path: path,
        detail:
          "data.mdb contains pages that belong to no table: it is damaged and was left unchanged")
    }
    try environment.check(code)
    guard fchown(descriptor, file.st_uid, file.st_gid) == 0,
      fchmod(descriptor, file.st_mode & 0o7777) == 0, fsync(descriptor) == 0
    else {
      // Otherwise a user who is not the owner would leave the owner a file that they cannot write.
      throw LMDBError(ResultCode(rawValue: errno), path: copy)
    }
  }

  private static func status(_ path: String) throws(LMDBError) -> stat {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw LMDBError(ResultCode(rawValue: errno), path: path)
    }
    return status
  }

  private static func removeTemporary(of path: String) {
    let folder = path + "/" + temporaryName
    for name in ["data.mdb", "lock.mdb"] { unlink(folder + "/" + name) }
    rmdir(folder)
  }
}
