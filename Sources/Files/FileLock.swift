import Glibc

/// An exclusive lock on a file (`flock`), which is created if missing; the system releases it when the
/// process ends.
package final class FileLock: Sendable {
  private let descriptor: Int32

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Takes the lock; returns nil if another process holds it.
  package static func tryTaking(_ path: String, mode: UInt32 = 0o666) throws(FileError) -> FileLock?
  {
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode)
      guard descriptor >= 0 else { throw .system(errno) }
      let lock = FileLock(descriptor: descriptor)
      guard try FileSystem.lock(descriptor) else { return nil }
      // The previous holder may have removed the file, or put another in its place.
      var (mine, present) = (stat(), stat())
      if fstat(descriptor, &mine) == 0, stat(path, &present) == 0, mine.st_ino == present.st_ino {
        return lock
      }
    }
  }
}
