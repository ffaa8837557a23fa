internal import HTTPTypes
import Synchronization

/// Lets so many requests compute at a time and so many wait for their turn; refuses the rest, so that neither memory nor
/// the time to an answer grows without bounds.
final class Admission: Sendable {
  private struct State {
    var running = 0
    var waiting: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
    var nextID: UInt64 = 0
    var isClosed = false
  }

  private let state = Mutex(State())
  private let mostRunning: Int
  private let mostWaiting: Int
  private let changed: @Sendable (Int) -> Void

  /// - Parameter changed: Called with how many requests compute, whenever that is another number.
  init(
    running: Int, waiting: Int, changed: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    (mostRunning, mostWaiting, self.changed) = (running, waiting, changed)
  }

  /// How many requests compute, and how many wait.
  var load: (running: Int, waiting: Int) {
    state.withLock { ($0.running, $0.waiting.count) }
  }

  /// Refuses all that come from now on; those that wait still get their turn.
  func close() { state.withLock { $0.isClosed = true } }

  /// Runs `body` as soon as it is its turn.
  /// - Throws: A `Problem` with the status 503 where too many wait.
  func run<Result>(_ body: () async throws -> Result) async throws -> Result {
    try await enter()
    defer { leave() }
    return try await body()
  }

  private func enter() async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let isAdmitted = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer: Bool? = state.withLock { state in
          if state.isClosed || Task.isCancelled { return false }
          if state.running < mostRunning {
            state.running += 1
            changed(state.running)
            return true
          }
          guard state.waiting.count < mostWaiting else { return false }
          state.waiting.append((id, continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let cancelled = state.withLock { state in
        state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
      }
      cancelled?.resume(returning: false)
    }
    guard isAdmitted else {
      try Task.checkCancellation()
      throw Problem(
        .serviceUnavailable, "the server is busy; try again in a second", retryAfter: 1)
    }
  }

  private func leave() {
    let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      guard !state.waiting.isEmpty else {
        state.running -= 1
        changed(state.running)
        return nil
      }
      return state.waiting.removeFirst().continuation
    }
    next?.resume(returning: true)
  }
}
