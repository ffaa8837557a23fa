import Synchronization

/// The events of a long task, as they happen.
///
/// The task starts with the iteration. Cancelling the task that iterates, or leaving the loop, stops it
/// after the current batch; a cancelled loop still gets the last event, which has the summary. An error
/// of the task is thrown after the events before it.
public struct EventSequence<Event: Sendable>: AsyncSequence, Sendable {
  typealias Work = @Sendable (_ report: @escaping @Sendable (Event) -> Void) async throws -> Void

  private let work: Work

  init(_ work: @escaping Work) { self.work = work }

  /// Starts the task.
  public func makeAsyncIterator() -> Iterator { Iterator(run: EventRun(work)) }

  /// The events still to come.
  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let run: EventRun<Event>

    /// The next event; nil at the end.
    public mutating func next() async throws -> Event? { try await run.next() }
  }
}

/// A running task and its events; the task is cancelled with the last reference.
private final class EventRun<Event: Sendable>: Sendable {
  private let mailbox = Mailbox<Event>()
  private let task: Task<Void, Never>
  private let hasEnded = Mutex(false)

  init(_ work: @escaping EventSequence<Event>.Work) {
    let mailbox = mailbox
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

/// Events that wait for their reader.
private final class Mailbox<Event: Sendable>: Sendable {
  enum Item: Sendable {
    case event(Event)
    case end((any Error)?)
  }

  private struct State {
    var items: ArraySlice<Item> = []
    var reader: CheckedContinuation<Item, Never>?
  }

  private let state = Mutex(State())

  func add(_ item: Item) {
    let reader = state.withLock { state in
      let reader = state.reader.take()
      if reader == nil { state.items.append(item) }
      return reader
    }
    reader?.resume(returning: item)
  }

  /// The next item, once it is there.
  func next() async -> Item {
    await withCheckedContinuation { continuation in
      let item: Item? = state.withLock { state in
        if let item = state.items.popFirst() { return item }
        state.reader = continuation
        return nil
      }
      if let item { continuation.resume(returning: item) }
    }
  }
}
