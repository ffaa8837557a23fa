internal import Glibc
internal import Synchronization

/// A view of an environment in which tables can be read.
public protocol Transaction: ~Copyable {
  /// The open transaction.
  var handle: TransactionHandle { get }
}

/// A snapshot: what was committed when it began, for as long as it lives.
///
/// A long one keeps the pages that it can see from being used again, so that the file grows under
/// a busy writer.
public struct ReadTransaction: ~Copyable, Transaction {
  /// The open transaction.
  public let handle: TransactionHandle

  /// Begins a snapshot.
  public init(_ environment: Environment) throws(LMDBError) {
    handle = try TransactionHandle(environment, writing: false)
  }

  deinit { handle.abort() }

  /// Ends the snapshot and keeps the tables that were opened in it.
  public consuming func commit() throws(LMDBError) { try handle.commit() }
}

/// The one writer: sees its own changes, which nobody else does before `commit()`.
///
/// It belongs to the thread that began it, and is dropped with all its changes when it goes out of
/// scope uncommitted.
public struct WriteTransaction: ~Copyable, Transaction {
  /// The open transaction.
  public let handle: TransactionHandle
  private let thread: pthread_t

  /// Begins a write transaction; waits while another thread or process has one.
  ///
  /// - Precondition: this thread has none open on the environment (it would wait for itself).
  public init(_ environment: Environment) throws(LMDBError) {
    guard environment.access == .readWrite else {
      throw LMDBError(
        .permissionDenied, path: environment.path, detail: "opened for reading, not for writing")
    }
    let thread = pthread_self()
    precondition(
      environment.writer.withLock { $0 != thread },
      "a write inside a write of \(environment.path) would wait for itself for ever")
    let handle = try TransactionHandle(environment, writing: true)
    environment.writer.withLock { $0 = thread }
    self.handle = handle
    self.thread = thread
  }

  deinit { finish { $0.abort() } }

  /// Writes the changes to the disk. When it throws, none of them are kept.
  public consuming func commit() throws(LMDBError) {
    try finish { handle throws(LMDBError) in try handle.commit() }
  }

  /// Drops the changes.
  public consuming func abort() { finish { $0.abort() } }

  /// Ends the transaction once, on its own thread; the mark goes first, since after the end
  /// another thread may have set its own.
  private borrowing func finish<Failure: Error>(
    _ end: (TransactionHandle) throws(Failure) -> Void
  ) throws(Failure) {
    guard handle.isOpen else { return }
    let thread = thread
    precondition(pthread_self() == thread, "a write transaction ends on the thread that began it")
    handle.environment.writer.withLock { $0 = nil }
    try end(handle)
  }
}

extension Transaction where Self: ~Copyable {
  /// Whether the environment holds nothing at all, not even an empty table.
  public func isEnvironmentEmpty() throws(LMDBError) -> Bool { try handle.isEnvironmentEmpty() }
}
