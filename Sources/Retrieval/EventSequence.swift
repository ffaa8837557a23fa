internal import Dispatch
import Synchronization

/// The events of a long task, as they happen.
///
/// The task starts with the iteration, and waits with each event until the loop asks for the next one: a
/// loop must not wait for the task's end in another way. Cancelling the task that iterates, or leaving the loop, stops it
/// after the current batch; a cancelled loop still gets the last event, which has the summary. An error
/// of the task is thrown after the events before it.
public struct EventSequence<Event: Sendable>: AsyncSequence, Sendable {
  typealias Work = @Sendable (_ report: @escaping @Sendable (Event) -> Void) async throws -> Void

  private let work: Work
  private let isStopped: @Sendable () -> Bool

  /// - Parameter isStopped: Whether the task is to end, asked in the task, so that it waits for nobody.
  init(isStopped: @escaping @Sendable () -> Bool, _ work: @escaping Work) {
    (self.isStopped, self.work) = (isStopped, work)
  }

  /// Starts the task.
  public func makeAsyncIterator() -> Iterator { Iterator(run: EventRun(work, isStopped)) }

  /// The events still to come.
  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let run: EventRun<Event>

    /// The next event; nil at the end.
    public mutating func next() async throws -> Event? { try await run.next() }
  }
}

/// A running task and its events; the task is cancelled with the last reference.
private final class EventRun<Event: Sendable>: Sendable {
  private let mailbox: Mailbox<Event>
  private let task: Task<Void, Never>
  private let hasEnded = Mutex(false)

  init(_ work: @escaping EventSequence<Event>.Work, _ isStopped: @escaping @Sendable () -> Bool) {
    let mailbox = Mailbox<Event>(isStopped: isStopped)
    self.mailbox = mailbox
    task = Task(executorPreference: BlockingExecutor.shared) {
      do {
        try await work { mailbox.add(.event($0)) }
        mailbox.add(.end(nil))
      } catch { mailbox.add(.end(error)) }
    }
  }

  deinit { task.cancel() }

  func next() async throws -> Event? {
    if hasEnded.withLock({ $0 }) { return nil }
    let item = await withTaskCancellationHandler {
      await mailbox.next()
    } onCancel: {
      task.cancel()
    }
    switch item {
    case .event(let event): return event
    case .end(let error):
      hasEnded.withLock { $0 = true }
      if let error { throw error }
      return nil
    }
  }
}

/// Hands events over to their reader, one by one.
private final class Mailbox<Event: Sendable>: Sendable {
  enum Item: Sendable {
    case event(Event)
    case end((any Error)?)
  }

  private struct State {
    var items: ArraySlice<Item> = []
    var reader: CheckedContinuation<Item, Never>?
    /// Whether the reader works on an item.
    var isWorking = false
  }

  private let state = Mutex(State())
  /// Signalled when the reader has done its work on an item.
  private let done = DispatchSemaphore(value: 0)
  private let isStopped: @Sendable () -> Bool

  init(isStopped: @escaping @Sendable () -> Bool) { self.isStopped = isStopped }

  /// Returns when the reader asks for what follows the item, or the task is to end.
  func add(_ item: Item) {
    let reader = state.withLock { state in
      let reader = state.reader.take()
      if reader == nil { state.items.append(item) }
      return reader
    }
    reader?.resume(returning: item)
    guard case .event = item else { return }
    while !isStopped(), done.wait(timeout: .now() + .milliseconds(50)) == .timedOut {}
  }

  /// The next item, once it is there.
  func next() async -> Item {
    let wasWorking = state.withLock { state in
      defer { state.isWorking = true }
      return state.isWorking
    }
    if wasWorking { done.signal() }
    return await withCheckedContinuation { continuation in
      let item: Item? = state.withLock { state in
        if let item = state.items.popFirst() { return item }
        state.reader = continuation
        return nil
      }
      if let item { continuation.resume(returning: item) }
    }
  }
}
