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
  private let descriptor: Int32

  private init(descriptor: Int32, waited: Bool) {
    self.descriptor = descriptor
    self.waited = waited
  }

  /// Takes the lock of an index, whose folder is made where there is none; where another process has
  /// it, says so once and waits. Nil where `shouldStop` said so meanwhile.
  package static func take(
    of index: String, shouldStop: () -> Bool, whenHeld: (String) -> Void
  ) throws(RetrievalError) -> WriterLock? {
    try IndexFolder.prepare(index)
    let path = "\(index)/\(fileName)"
    var waited = false
    while true {
      guard let descriptor = try lock(path, of: index, &waited, shouldStop, whenHeld) else {
        return nil
      }
      // The other one may have put another folder in this one's place (`Indexer.replace`).
      var (mine, present) = (stat(), stat())
      if fstat(descriptor, &mine) == 0, stat(path, &present) == 0, mine.st_ino == present.st_ino {
        return WriterLock(descriptor: descriptor, waited: waited)
      }
      close(descriptor)
    }
  }

  private static func lock(
    _ path: String, of index: String, _ waited: inout Bool, _ shouldStop: () -> Bool,
    _ whenHeld: (String) -> Void
  ) throws(RetrievalError) -> Int32? {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw failure(index) }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else {
        let error = failure(index)
        close(descriptor)
        throw error
      }
      if !waited { whenHeld(holder(descriptor)) }
      waited = true
      if shouldStop() {
        close(descriptor)
        return nil
      }
      usleep(100_000)
    }
    return descriptor
  }

  deinit { close(descriptor) }

  private static func failure(_ index: String) -> RetrievalError {
    RetrievalError(LMDBError(ResultCode(rawValue: errno), path: index).description)
  }

  /// Who has the lock, from the system's list of locks: number, kind, mode and access, process, device and
  /// inode of the file, range.
  private static func holder(_ descriptor: Int32) -> String {
    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else { return "another process" }
    let locks = String(decoding: FileSystem.stream("/proc/locks"), as: UTF8.self)
    for line in locks.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 5, fields[1] == "FLOCK", fields[5].hasSuffix(":\(facts.st_ino)"),
        let process = Int(fields[4]), process > 0
      else { continue }
      return "process \(process)"
    }
    return "another process"
  }
}
