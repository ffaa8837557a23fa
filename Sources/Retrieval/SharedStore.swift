internal import Dispatch
import Store
import Synchronization

/// The one open store of an index: a process must not open an LMDB environment twice.
///
/// Reads run side by side on threads of their own. Opening for writing, and closing, wait for the reads
/// that have begun and hold up those that follow.
final class SharedStore: Sendable {
  private struct State {
    var open: IndexStore? { didSet { openings += 1 } }
    var openings = 0
    var isClosed = false
  }

  private let path: String
  private let state = Mutex(State())
  private let queue = DispatchQueue(
    label: "PictureIndex", qos: .userInitiated, attributes: .concurrent)
  /// The runs that write.
  private let writers = DispatchGroup()

  init(path: String) { self.path = path }

  /// Whether `close` was called.
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Whether a task that works on the index is to end.
  func isStopped() -> Bool { Task.isCancelled || isClosed }

  /// A value of the open index; nil before it is created. Throws once it is closed.
  ///
  /// The store must not be kept beyond a `read`: while it is referenced, it cannot be opened for writing.
  func current<Value: Sendable>(
    _ value: @Sendable (IndexStore) -> Value
  ) throws(RetrievalError) -> Value? {
    let (current, isClosed) = state.withLock { ($0.open.map(value), $0.isClosed) }
    guard !isClosed else {
      throw RetrievalError(.closed, "the index \(path) is closed; open it again")
    }
    return current
  }

  /// A value of the open index; one that is not there yet is an error.
  func existing<Value: Sendable>(
    _ value: @Sendable (IndexStore) -> Value
  ) throws(RetrievalError) -> Value {
    guard let current = try current(value) else {
      throw RetrievalError(
        .noIndex, "\(path): there is no index here yet; add pictures to it first")
    }
    return current
  }

  /// Throws once it is closed.
  func requireOpen() throws(RetrievalError) { _ = try current { _ in } }

  /// Opens the index that is there, also one that has taken the place of that opened before.
  func open() async throws(RetrievalError) {
    try await exclusively { try IndexStore.open($0) }
  }

  /// The state of the index.
  func generation() throws(RetrievalError) -> IndexGeneration {
    let transaction = try current(\.generation) ?? 0
    return state.withLock { IndexGeneration(openings: $0.openings, transaction: transaction) }
  }

  /// Takes over what other processes have done: opens the index again where another one has taken its place, or its
  /// settings have changed, and closes it for a moment where a process waits to have it alone. Reads wait meanwhile.
  /// Returns whether it was opened again.
  func refresh() async throws(RetrievalError) -> Bool {
    try requireOpen()
    let isCurrent = try await run([]) {
      // A run that writes in this process has its own settings.
      try self.current { $0 }.map { try $0.isWritable || $0.isCurrent() } ?? false
    }
    if isCurrent { return false }
    try await exclusively { path in
      IndexStore.waitForExclusiveUse(of: path)
      return try IndexStore.open(path)
    }
    return true
  }

  /// Runs `body` on a thread of its own.
  func read<Result: Sendable>(
    _ body: @escaping @Sendable (IndexStore) throws -> Result
  ) async throws(RetrievalError) -> Result {
    try await run([]) { try body(self.existing { $0 }) }
  }

  /// Runs `body`, which writes. ``close()`` waits for its end.
  func write<Result>(_ body: () async throws -> Result) async throws -> Result {
    writers.enter()
    defer { writers.leave() }
    try requireOpen()
    return try await body()
  }

  /// The store opened for writing, and created where there is none.
  /// - Parameter metadata: The new metadata, from the present ones.
  func writable(
    _ metadata: @escaping @Sendable (IndexMetadata?) -> IndexMetadata
  ) async throws(RetrievalError) -> IndexStore {
    let wanted = metadata(try current(\.metadata))
    if try current(\.isWritable) == true {
      let store = try existing { $0 }
      try store.requireSameLayout(as: wanted)
      return store
    }
    try await exclusively { try IndexStore.openForWriting($0, metadata: wanted) }
    return try existing { $0 }
  }

  /// Runs `body` while the environment is closed, and opens it again.
  func whileClosed<Result: Sendable>(
    _ body: @escaping @Sendable (String) throws -> Result
  ) async throws(RetrievalError) -> Result {
    try await run(.barrier) { [path] in
      try self.existing { _ in }
      let closed = self.takeStore()
      defer { self.putBack(closed) }
      return try body(path)
    }
  }

  /// Ends it: runs that write stop, what is read ends, and the environment is closed.
  func close() async {
    state.withLock { $0.isClosed = true }
    await withCheckedContinuation { continuation in
      writers.notify(queue: queue) { continuation.resume() }
    }
    _ = try? await run(.barrier) { self.state.withLock { $0.open = nil } }
  }

  /// Puts another store in the present one's place, which is closed before; where that fails, the index
  /// is opened again for reading.
  private func exclusively(
    _ open: @escaping @Sendable (String) throws -> IndexStore
  ) async throws(RetrievalError) {
    try await run(.barrier) { [path] in
      try self.requireOpen()
      let closed = self.takeStore()
      do {
        let opened = try open(path)
        self.state.withLock { $0.open = opened }
      } catch {
        self.putBack(closed)
        throw error
      }
    }
  }

  /// A store that was put aside, and is closed unless a run that writes has it still.
  private struct ClosedStore { weak var store: IndexStore? }

  private func takeStore() -> ClosedStore? {
    state.withLock { state in
      let closed = state.open.map { ClosedStore(store: $0) }
      state.open = nil
      return closed
    }
  }

  private func putBack(_ closed: ClosedStore?) {
    guard let closed, let opened = try? closed.store ?? IndexStore.open(path) else { return }
    state.withLock { $0.open = opened }
  }

  private func run<Success: Sendable>(
    _ flags: DispatchWorkItemFlags, _ body: @escaping @Sendable () throws -> Success
  ) async throws(RetrievalError) -> Success {
    let result: Result<Success, RetrievalError> = await withCheckedContinuation { continuation in
      queue.async(flags: flags) {
        continuation.resume(
          returning: Result { () throws(RetrievalError) in try asRetrievalError { try body() } })
      }
    }
    return try result.get()
  }
}
