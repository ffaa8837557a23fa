import Glibc

/// The lock that huggingface_hub also takes while it writes a blob; the system releases it when the
/// process ends.
final class FileLock: Sendable {
  private let descriptor: Int32

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Takes the lock; returns nil if another process holds it.
  static func tryTaking(_ path: String) throws(HubError) -> FileLock? {
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
      guard descriptor >= 0 else { throw .system(path) }
      let lock = FileLock(descriptor: descriptor)
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        if errno == EWOULDBLOCK { return nil }
        if errno == EINTR { continue }
        throw .system(path)
      }
      // The previous holder may have removed the file.
      var (mine, present) = (stat(), stat())
      if fstat(descriptor, &mine) == 0, stat(path, &present) == 0, mine.st_ino == present.st_ino {
        return lock
      }
    }
  }
}
