internal import Files
internal import Glibc
internal import Synchronization

/// This process's lock on an environment's folder, held for the lifetime of the value: shared with
/// other processes, or exclusive.
///
/// LMDB uses `fcntl` locks, which a process loses when it closes *any* descriptor of the file: an
/// environment opened twice in a process would silently have no locks. So each folder can be locked
/// only once in a process. Folders are identified by device and inode, so that two names of one
/// folder count as one; the lock keeps the folder open so that its inode cannot be reused.
///
/// Between processes it is an advisory lock (`flock`) on the folder itself, which exists before any
/// file of the environment is opened, needs no write permission, and is released when the process
/// ends.
final class FolderLock: Sendable {
  private struct Identity: Hashable {
    let device: UInt
    let inode: UInt
  }

  private static let locked = Mutex<Set<Identity>>([])

  private let identity: Identity
  private let descriptor: Int32

  /// Waits while another process holds the folder exclusively. If `isExclusive` and another process
  /// has it open, throws `ResultCode.busy`.
  init(_ path: String, isExclusive: Bool = false) throws(LMDBError) {
    // A NUL would end the path early in C and refer to another folder.
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw LMDBError(.noSuchFile, path: path.debugDescription)
    }
    let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw LMDBError(ResultCode(rawValue: errno), path: path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = ResultCode(rawValue: errno)
      close(descriptor)
      throw LMDBError(code, path: path)
    }
    let identity = Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino))
    guard Self.locked.withLock({ $0.insert(identity).inserted }) else {
      close(descriptor)
      throw LMDBError(
        .busy, path: path, detail: "already open in this process; use the existing environment")
    }
    self.identity = identity
    self.descriptor = descriptor
    if isExclusive { try lockExclusively(path) } else { lockShared() }
  }

  /// Tries for a moment: a process that this one is just starting has its descriptors, and so the lock of an
  /// environment that was closed meanwhile, until it runs its own program; and a process that keeps the environment
  /// open for long closes it when it sees the request.
  private func lockExclusively(_ path: String) throws(LMDBError) {
    func isLocked() throws(LMDBError) -> Bool {
      do throws(FileError) { return try FileSystem.lock(descriptor) } catch {
        throw LMDBError(ResultCode(rawValue: error.code), path: path)
      }
    }
    if try isLocked() { return }
    let request = ExclusiveRequest(path)
    defer { withExtendedLifetime(request) {} }
    for _ in 0..<Self.attempts {
      usleep(Self.pause)
      if try isLocked() { return }
    }
    throw LMDBError(
      .busy, path: path,
      detail: "open in another process; wait until it exits, or stop it, and try again")
  }

  private static let attempts = 200
  /// In microseconds.
  private static let pause: UInt32 = 10_000

  /// Failure is ignored on file systems without such locks: there nobody can lock exclusively
  /// either.
  private func lockShared() { _ = try? FileSystem.lock(descriptor, .shared, waits: true) }

  /// Whether a path leads to the folder that is locked.
  func isHeld(of path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0
      && Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino)) == identity
  }

  /// Syncs the folder, so that names created in it are durable.
  func synchronise() { fsync(descriptor) }

  deinit {
    let identity = identity
    Self.locked.withLock { _ = $0.remove(identity) }
    close(descriptor)
  }
}
