internal import CLMDB
internal import Glibc

/// Gives the space of free pages back to the disk: LMDB's compacting copy takes the file's place.
///
/// **Why nobody else may have the environment open.** A process that has it open goes on with the old
/// file after the rename. What it writes there is lost, and `lock.mdb`, which says what the newest
/// transaction is, would serve two files: who opens the new one would look for a transaction that it
/// does not have. So the folder is claimed alone, from before the file is looked at until the new one
/// is in its place. Every `Environment` has its share of that claim from before it opens a file until
/// it has closed it: while another process has one, there is no compaction, and who comes meanwhile
/// waits and then opens the new file. Programs that know no such claim are looked for once, before.
/// With nobody else there, nobody writes either, so that LMDB's own write lock adds nothing.
///
/// **Why a kill does no harm.** The copy is made in a folder of its own, and is on the disk and
/// checked before one `rename` puts it in its place: `data.mdb` is the old file or the new one. What
/// a killed process leaves is that folder, which the next compaction removes.
public struct Compaction: ~Copyable {
  /// The folder, in that of the environment, in which the copy is made.
  public static let temporaryName = "compact.tmp"

  /// The length of the file.
  public let bytesBefore: Int
  /// The length of the copy, for which there has to be room on the disk beside the file.
  public let bytesNeeded: Int
  /// The room that there is.
  public let bytesFree: Int

  private let path: String
  private let claim: FolderClaim
  private let entries: [String: Int]

  /// Claims the folder for as long as the value lives, and looks how much there is to do. Throws
  /// `ResultCode.busy` where the environment is open elsewhere.
  public init(_ path: String) throws {
    let claim = try FolderClaim(path, isAlone: true)
    guard !Self.isOpenToOthers(path) else {
      throw LMDBError(
        .busy, path: path,
        detail: "open in another program (an older blip, or a tool of LMDB); wait for its end, or "
          + "end it, and run again")
    }
    Self.removeTemporary(of: path)
    let contents = try Self.contents(of: path, claim)
    let file = try Self.status(path + "/data.mdb")
    var disk = statvfs()
    guard statvfs(path, &disk) == 0 else {
      throw LMDBError(ResultCode(rawValue: errno), path: path)
    }
    (self.path, self.claim, entries) = (path, claim, contents.entries)
    (bytesBefore, bytesNeeded) = (Int(file.st_size), contents.bytes)
    bytesFree = Int(clamping: UInt64(disk.f_bavail) * UInt64(disk.f_frsize))
  }

  /// Makes the copy, lets `check` look at it (it gets the copy's folder), and puts it in place of the
  /// file; returns its length. Where anything throws, the file is as it was.
  public func run(check: (String) throws -> Void) throws -> Int {
    defer { Self.removeTemporary(of: path) }
    let folder = path + "/" + Self.temporaryName
    guard mkdir(folder, 0o700) == 0 else {
      throw LMDBError(ResultCode(rawValue: errno), path: folder)
    }
    let (file, copy) = (path + "/data.mdb", folder + "/data.mdb")
    try Self.copy(path, claim, to: copy, like: try Self.status(file))
    let copied = try Self.contents(of: folder, try FolderClaim(folder)).entries
    guard copied == entries else {
      throw LMDBError(.corrupted, path: path, detail: "a copy of it is incomplete: it is damaged")
    }
    try check(folder)
    let bytes = Int(try Self.status(copy).st_size)
    guard rename(copy, file) == 0 else {
      throw LMDBError(ResultCode(rawValue: errno), path: file)
    }
    claim.synchronise()
    return bytes
  }

  /// Whether a program that knows nothing of the claim has the environment open: for as long LMDB
  /// itself locks the first byte of `lock.mdb`. This process has it not, whose locks would be lost with
  /// the descriptor.
  private static func isOpenToOthers(_ path: String) -> Bool {
    let file = open(path + "/lock.mdb", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    var lock = Glibc.flock()
    (lock.l_type, lock.l_whence, lock.l_start, lock.l_len) = (Int16(F_WRLCK), 0, 0, 1)
    return fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
  }

  /// Entries of every table, and what all of them take. The environment is closed when it returns.
  private static func contents(of path: String, _ claim: FolderClaim) throws
    -> (entries: [String: Int], bytes: Int)
  {
    try environment(path, claim).read { try $0.handle.contents() }
  }

  private static func environment(_ path: String, _ claim: FolderClaim) throws(LMDBError)
    -> Environment
  {
    try Environment(
      path, access: .readOnly, mapSize: Environment.standardMapSize, claim: claim)
  }

  /// Writes the copy to the disk, with the file's owner and mode. The environment is closed when it
  /// returns.
  private static func copy(
    _ path: String, _ claim: FolderClaim, to copy: String, like file: stat
  ) throws(LMDBError) {
    let descriptor = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw LMDBError(ResultCode(rawValue: errno), path: copy) }
    defer { close(descriptor) }
    let environment = try environment(path, claim)
    let code = mdb_env_copyfd2(environment.pointer, descriptor, UInt32(MDB_CP_COMPACT))
    guard code != MDB_INCOMPATIBLE else {
      throw LMDBError(
        .corrupted, path: path,
        detail: "data.mdb counts pages that belong to nothing: it is damaged and was left as it is")
    }
    try environment.check(code)
    guard fchown(descriptor, file.st_uid, file.st_gid) == 0,
      fchmod(descriptor, file.st_mode & 0o7777) == 0, fsync(descriptor) == 0
    else {
      // Who is not the owner must not leave the owner a file that he cannot write.
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
