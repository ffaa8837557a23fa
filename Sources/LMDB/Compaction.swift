internal import CLMDB
internal import Glibc

/// Reclaims the disk space of free pages by replacing the data file with LMDB's compacted copy
/// (`FileReplacement`).
package struct Compaction: ~Copyable {
  /// The size of the data file, in bytes.
  package let bytesBefore: Int
  /// The size of the copy, in bytes, which must be free on the disk in addition to the file.
  package let bytesNeeded: Int
  /// The free space on the disk, in bytes.
  package let bytesFree: Int

  private let replacement: FileReplacement
  private let entries: [String: Int]

  /// Locks the folder for the lifetime of the value and measures how much can be reclaimed. Throws
  /// `ResultCode.busy` if the environment is open elsewhere.
  package init(_ path: String) throws {
    let replacement = try FileReplacement(path)
    let contents = try Self.contents(of: path, replacement.lock)
    let file = try FileReplacement.status(path + "/data.mdb")
    var disk = statvfs()
    guard statvfs(path, &disk) == 0 else {
      throw LMDBError(ResultCode(rawValue: errno), path: path)
    }
    entries = contents.entries
    (bytesBefore, bytesNeeded) = (Int(file.st_size), contents.bytes)
    bytesFree = Int(clamping: UInt64(disk.f_bavail) * UInt64(disk.f_frsize))
    self.replacement = replacement
  }

  /// Writes the copy, runs `check` on its folder, and replaces the data file with it. Returns the
  /// new size in bytes. If anything throws, the original file is unchanged.
  package func run(check: (String) throws -> Void) throws -> Int {
    let path = replacement.path
    return try replacement.run { folder in
      try Self.copy(path, replacement.lock, to: folder + "/data.mdb")
      let copied = try Self.contents(of: folder, try FolderLock(folder)).entries
      guard copied == entries else {
        throw LMDBError(
          .corrupted, path: path, detail: "its copy is incomplete, so the original is damaged")
      }
      try check(folder)
    }
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

  /// Writes the copy. The environment is closed on return.
  private static func copy(_ path: String, _ lock: FolderLock, to copy: String) throws(LMDBError) {
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
  }
}
