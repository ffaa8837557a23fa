internal import Glibc
internal import Synchronization

/// A transaction in which tables can be read.
package protocol Transaction: ~Copyable {
  /// The open transaction.
  var handle: TransactionHandle { get }
}

/// A transaction in which tables can be changed.
package protocol WritingTransaction: Transaction, ~Copyable {}

/// A transaction that another value ends, for a value that reads in it meanwhile.
///
/// - Precondition: it is not used after the end of the transaction.
package struct TransactionReference: Transaction {
  /// The open transaction.
  package let handle: TransactionHandle

  /// Refers to an open transaction.
  package init<T: Transaction & ~Copyable>(_ transaction: borrowing T) {
    handle = transaction.handle
  }
}

/// The same of a transaction in which tables can be changed.
package struct WritingTransactionReference: WritingTransaction {
  /// The open transaction.
  package let handle: TransactionHandle

  /// Refers to an open transaction.
  package init<T: WritingTransaction & ~Copyable>(_ transaction: borrowing T) {
    handle = transaction.handle
  }
}

/// A snapshot of what was committed when it began.
///
/// A long-lived snapshot keeps the pages it can see from being reused, so the file grows under a
/// busy writer.
package struct ReadTransaction: ~Copyable, Transaction {
  /// The open transaction.
  package let handle: TransactionHandle

  /// Begins a snapshot.
  package init(_ environment: Environment) throws(LMDBError) {
    handle = try TransactionHandle(environment, writing: false)
  }

  deinit { handle.abort() }

  /// Ends the snapshot and keeps its table handles valid.
  package consuming func commit() throws(LMDBError) { try handle.commit() }
}

/// The only write transaction. It sees its own changes, which are invisible to others until
/// `commit()`.
///
/// It belongs to the thread that began it. If it goes out of scope uncommitted, its changes are
/// discarded.
package struct WriteTransaction: ~Copyable, WritingTransaction {
  /// The open transaction.
  package let handle: TransactionHandle
  private let thread: pthread_t

  /// Begins a write transaction; waits while another thread or process has one.
  ///
  /// - Precondition: this thread has no other write transaction open on the environment (it would
  ///   deadlock).
  package init(_ environment: Environment) throws(LMDBError) {
    guard environment.access == .readWrite else {
      throw LMDBError(
        .permissionDenied, path: environment.path, detail: "opened read-only")
    }
    let thread = pthread_self()
    precondition(
      environment.writer.withLock { $0 != thread },
      "a nested write transaction on \(environment.path) would deadlock")
    let handle = try TransactionHandle(environment, writing: true)
    environment.writer.withLock { $0 = thread }
    self.handle = handle
    self.thread = thread
  }

  deinit { finish { $0.abort() } }

  /// Writes the changes durably to disk. If it throws, none of them are kept.
  package consuming func commit() throws(LMDBError) {
    try finish { handle throws(LMDBError) in try handle.commit() }
  }

  /// Discards the changes.
  package consuming func abort() { finish { $0.abort() } }

  /// Ends the transaction once, on its own thread. The writer field is cleared first: afterwards
  /// another thread may have set it.
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
  /// Whether the environment contains nothing, not even an empty table.
  package func isEnvironmentEmpty() throws(LMDBError) -> Bool { try handle.isEnvironmentEmpty() }

  /// The number of the commit that a snapshot is of, or that a write transaction will be: two snapshots of
  /// the same number, of one open environment, see the same bytes at the same addresses.
  package var snapshotID: Int { handle.snapshotID }
}
