internal import Dispatch
internal import Synchronization

/// A value that another thread computes.
final class Pending<Value: Sendable>: Sendable {
  private let finished = DispatchSemaphore(value: 0)
  private let outcome = Mutex<Result<Value, any Error>?>(nil)

  /// Starts the computation.
  init(_ compute: @escaping @Sendable () throws -> Value) {
    DispatchQueue.global(qos: .userInitiated).async {
      let outcome = Result { try compute() }
      self.outcome.withLock { $0 = outcome }
      self.finished.signal()
    }
  }

  /// The value, or what went wrong with it, once it is there. Asked for once.
  func callAsFunction() throws -> Value {
    finished.wait()
    return try outcome.withLock { outcome in
      guard let result = outcome.take() else { preconditionFailure("asked for twice") }
      return try result.get()
    }
  }
}

/// Cuts `items` into batches; `read` fetches a batch here while another thread still computes on the
/// one before it, so that at most two are in memory. `take` gets what came of every batch, in order.
func overlapping<Item, Input: Sendable, Output: Sendable>(
  _ items: [Item], batch: Int, read: (ArraySlice<Item>) throws -> Input,
  compute: @escaping @Sendable (Input) throws -> Output,
  take: (ArraySlice<Item>, Output) throws -> Void
) throws {
  var previous: (items: ArraySlice<Item>, output: Pending<Output>)?
  for start in stride(from: 0, to: items.count, by: batch) {
    let slice = items[start..<min(start + batch, items.count)]
    let input = try read(slice)
    if let previous { try take(previous.items, previous.output()) }
    previous = (slice, Pending { try compute(input) })
  }
  if let previous { try take(previous.items, previous.output()) }
}
