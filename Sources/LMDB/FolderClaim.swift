internal import Glibc
internal import Synchronization

/// This process's claim on a folder, for as long as the value lives: shared with other processes, or
/// alone.
///
/// LMDB's locks are those of `fcntl`, which a process loses when it closes *any* descriptor of the
/// file: an environment opened twice in a process would silently be without locks. Folders are
/// told apart by device and inode, so that two names of one folder count as one; the claim holds
/// the folder open so that its inode cannot become another folder's.
///
/// Between processes the claim is an advisory lock (`flock`) of the folder itself, which is there
/// before any file of the environment is opened, needs no right to write, and ends with the process.
final class FolderClaim: Sendable {
  private struct Identity: Hashable {
    let device: UInt
    let inode: UInt
  }

  private static let claimed = Mutex<Set<Identity>>([])

  private let identity: Identity
  private let descriptor: Int32

  /// Waits while another process has the folder alone; where this one wants that and another has it
  /// open, it throws `ResultCode.busy`.
  init(_ path: String, isAlone: Bool = false) throws(LMDBError) {
    // A NUL would end the path early in C and name another folder.
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
    guard Self.claimed.withLock({ $0.insert(identity).inserted }) else {
      close(descriptor)
      throw LMDBError(
        .busy, path: path, detail: "already open in this process; use the one that is open")
    }
    self.identity = identity
    self.descriptor = descriptor
    if isAlone { try takeAlone(path) } else { share() }
  }

  private func takeAlone(_ path: String) throws(LMDBError) {
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      guard errno == EWOULDBLOCK else { throw LMDBError(ResultCode(rawValue: errno), path: path) }
      throw LMDBError(
        .busy, path: path,
        detail: "open in another process; wait for its end, or end it, and run again")
    }
  }

  /// A file system without such locks is no reason not to open: there nobody can be alone either.
  private func share() { while flock(descriptor, LOCK_SH) != 0, errno == EINTR {} }

  /// Makes names created in the folder durable.
  func synchronise() { fsync(descriptor) }

  deinit {
    let identity = identity
    Self.claimed.withLock { _ = $0.remove(identity) }
    close(descriptor)
  }
}
