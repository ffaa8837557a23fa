internal import Dispatch
import Synchronization

/// The events of a long task, as they happen.
///
/// The task starts with the iteration, and waits while an event is handled: a loop must not wait for the
/// end of the task in another way. Cancelling the task that iterates, or leaving the loop, stops it after
/// the current batch; a cancelled loop still gets the last event, where that has a summary. An error of
/// the task is thrown after the events before it.
public struct EventSequence<Event: Sendable>: AsyncSequence, Sendable {
  package typealias Work =
    @Sendable (_ report: @escaping @Sendable (Event) -> Void) async throws -> Void

  private let work: Work
  private let isStopped: @Sendable () -> Bool

  /// - Parameter isStopped: Whether the task is to end, asked in the task: it then no longer waits for its
  ///   events to be handled, since whoever handles one may be waiting for the task.
  package init(
    isStopped: @escaping @Sendable () -> Bool = { Task.isCancelled }, _ work: @escaping Work
  ) {
    (self.isStopped, self.work) = (isStopped, work)
  }

  /// Starts the task.
  public func makeAsyncIterator() -> Iterator { Iterator(run: EventRun(isStopped, work)) }

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

  init(_ isStopped: @escaping @Sendable () -> Bool, _ work: @escaping EventSequence<Event>.Work) {
    let mailbox = Mailbox<Event>(isStopped: isStopped)
    self.mailbox = mailbox
    task = Task(executorPreference: BlockingExecutor.shared) {
      do {
        try await work { mailbox.add(.event($0)) }
        mailbox.add(.end(nil))
      } catch { mailbox.add(.end(error)) }
    }
  }

  deinit {
    task.cancel()
    mailbox.abandon()
  }

  func next() async throws -> Event? {
    let item = await withTaskCancellationHandler {
      await mailbox.next()
    } onCancel: {
      task.cancel()
    }
    switch item {
    case .event(let event): return event
    case .end(let error):
      // Whoever asks again gets no error a second time.
      mailbox.add(.end(nil))
      if let error { throw error }
      return nil
    }
  }
}

/// Hands events to their reader one by one.
private final class Mailbox<Event: Sendable>: Sendable {
  enum Item: Sendable {
    case event(Event)
    case end((any Error)?)
  }

  /// An item, and what its sender waits for.
  private struct Delivery {
    let item: Item
    let handled = DispatchSemaphore(value: 0)
  }

  private struct State {
    var deliveries: ArraySlice<Delivery> = []
    var reader: CheckedContinuation<Item, Never>?
    /// What the reader was given last and may still be handling.
    var current: Delivery?
    var isAbandoned = false
  }

  private let state = Mutex(State())
  private let isStopped: @Sendable () -> Bool

  init(isStopped: @escaping @Sendable () -> Bool) { self.isStopped = isStopped }

  /// Hands over an item and, if it is an event, waits until the reader asks for the next one.
  func add(_ item: Item) {
    let delivery = Delivery(item: item)
    let (reader, isAbandoned) = state.withLock { state in
      guard !state.isAbandoned else {
        return (nil as CheckedContinuation<Item, Never>?, true)
      }
      let reader = state.reader.take()
      if reader == nil { state.deliveries.append(delivery) } else { state.current = delivery }
      return (reader, false)
    }
    reader?.resume(returning: item)
    guard case .event = item, !isAbandoned else { return }
    while delivery.handled.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
      if isStopped() { return }
    }
  }

  /// The next item, once it is there.
  func next() async -> Item {
    await withCheckedContinuation { continuation in
      let item: Item? = state.withLock { state in
        state.current?.handled.signal()
        state.current = state.deliveries.popFirst()
        if state.current == nil { state.reader = continuation }
        return state.current?.item
      }
      if let item { continuation.resume(returning: item) }
    }
  }

  /// Nobody reads any more.
  func abandon() {
    state.withLock { state in
      state.isAbandoned = true
      state.current?.handled.signal()
      for delivery in state.deliveries { delivery.handled.signal() }
      state.deliveries = []
    }
  }
}
