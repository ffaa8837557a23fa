internal import Files
internal import Glibc

/// Replaces the data file of an environment by a new one.
///
/// **Why no other process may have the environment open.** A process that has it open keeps using
/// the old file after the rename. Its writes would be lost, and `lock.mdb`, which records the
/// newest transaction, would serve two files: a process that opens the new one would look for a
/// transaction that is not in it. So the folder is locked exclusively, from before the file is
/// examined until the new file is in place. Every `Environment` holds a shared lock from before it
/// opens a file until after it closes it: while another process holds one, a replacement is refused,
/// and a process that arrives meanwhile waits and then opens the new file. Programs that do
/// not take this lock are detected once, at the start. With the exclusive lock held nobody writes,
/// so LMDB's own write lock is not needed.
///
/// **Why a killed process does no harm.** The new file is written in a temporary folder and synced
/// before a single `rename` replaces the original: `data.mdb` is always either the old file
/// or the new one. A killed process leaves only the temporary folder, which the next replacement
/// removes.
package struct FileReplacement: ~Copyable {
  /// The temporary subfolder of the environment's folder in which the new file is written.
  package static let temporaryName = "compact.tmp"

  /// The folder of the environment.
  package let path: String
  let lock: FolderLock

  /// Locks the folder for the lifetime of the value. Throws `ResultCode.busy` if the environment is open
  /// elsewhere.
  package init(_ path: String) throws(LMDBError) {
    let lock = try FolderLock(path, isExclusive: true)
    guard !Self.isOpenToOthers(path) else {
      throw LMDBError(
        .busy, path: path,
        detail: "open in another program (an older blip, or an LMDB tool); wait until it exits, or "
          + "stop it, and try again")
    }
    Self.removeTemporary(of: path)
    (self.path, self.lock) = (path, lock)
  }

  /// Runs `make` on a new folder, in which it writes and closes an environment, and puts that one's data file
  /// in place of the old one, with its owner and mode. Returns the new size in bytes. If anything throws,
  /// the original file is unchanged.
  package func run(_ make: (String) throws -> Void) throws -> Int {
    defer { Self.removeTemporary(of: path) }
    let folder = path + "/" + Self.temporaryName
    guard mkdir(folder, 0o700) == 0 else {
      throw LMDBError(ResultCode(rawValue: errno), path: folder)
    }
    let (file, copy) = (path + "/data.mdb", folder + "/data.mdb")
    let old = try Self.status(file)
    try make(folder)
    try Self.finish(copy, like: old)
    let bytes = Int(try Self.status(copy).st_size)
    do throws(FileError) { try FileSystem.rename(copy, to: file) } catch {
      throw LMDBError(ResultCode(rawValue: error.code), path: file)
    }
    return bytes
  }

  /// Otherwise a user who is not the owner would leave the owner a file that they cannot write.
  private static func finish(_ copy: String, like old: stat) throws(LMDBError) {
    let descriptor = open(copy, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw LMDBError(ResultCode(rawValue: errno), path: copy) }
    defer { close(descriptor) }
    guard fchown(descriptor, old.st_uid, old.st_gid) == 0,
      fchmod(descriptor, old.st_mode & 0o7777) == 0, fsync(descriptor) == 0
    else { throw LMDBError(ResultCode(rawValue: errno), path: copy) }
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

  static func status(_ path: String) throws(LMDBError) -> stat {
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
