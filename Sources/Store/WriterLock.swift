internal import Files
internal import Glibc
internal import LMDB

/// The right to change an index, for as long as the value lives.
///
/// LMDB lets writers take turns transaction by transaction. A run of indexing has many, and decides
/// before the first what is new and what has vanished: two runs side by side would undo each other's
/// work. The lock is the system's (`flock`), which ends with the process whatever ended it. Nothing is
/// written into the file: that may be the last block of a full disk.
package final class WriterLock: Sendable {
  /// The file in the folder of an index.
  package static let fileName = "writer.lock"

  /// Whether another process had it first.
  package let waited: Bool
  private let lock: FileLock

  private init(_ lock: FileLock, waited: Bool) {
    self.lock = lock
    self.waited = waited
  }

  /// Takes the lock of an index, whose directory is made where there is none; where another process has
  /// it, says so once and waits. Nil where `shouldStop` said so meanwhile.
  package static func take(
    of index: String, shouldStop: () -> Bool, whenHeld: (String) -> Void
  ) throws(RetrievalError) -> WriterLock? {
    try IndexFolder.prepare(index)
    let path = "\(index)/\(fileName)"
    var waited = false
    while true {
      do throws(FileError) {
        if let lock = try FileLock.tryTaking(path, mode: 0o644) {
          return WriterLock(lock, waited: waited)
        }
      } catch {
        throw RetrievalError(LMDBError(ResultCode(rawValue: error.code), path: index).description)
      }
      if !waited { whenHeld(holder(of: path)) }
      waited = true
      if shouldStop() { return nil }
      usleep(100_000)
    }
  }

  /// Whether a process changes an index now.
  static func isHeld(of index: String) -> Bool { process(holding: "\(index)/\(fileName)") != nil }

  private static func holder(of path: String) -> String {
    process(holding: path).map { "process \($0)" } ?? "another process"
  }

  /// Who has the lock, from the system's list of locks: number, kind, mode and access, process, device and
  /// inode of the file, range.
  private static func process(holding path: String) -> Int? {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return nil }
    let locks = String(decoding: FileSystem.stream("/proc/locks"), as: UTF8.self)
    for line in locks.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 5, fields[1] == "FLOCK", fields[5].hasSuffix(":\(facts.st_ino)"),
        let process = Int(fields[4]), process > 0
      else { continue }
      return process
    }
    return nil
  }
}
