internal import Dispatch
internal import Synchronization

/// Divides `items` into batches, and reads each while another thread still computes the one before
/// it, so that at most two are in memory.
/// - Parameters:
///   - read: Reads a batch, on this thread.
///   - compute: Computes its result, on another thread.
///   - take: Gets the results, in order, on this thread.
package func prefetching<Item, Input: Sendable, Output: Sendable>(
  _ items: [Item], batch: Int, read: (ArraySlice<Item>) throws -> Input,
  compute: @escaping @Sendable (Input) throws -> Output,
  take: (ArraySlice<Item>, Output) throws -> Void
) throws {
  var previous: (items: ArraySlice<Item>, output: Future<Output>)?
  for start in stride(from: 0, to: items.count, by: batch) {
    let slice = items[start..<min(start + batch, items.count)]
    let input = try read(slice)
    if let previous { try take(previous.items, previous.output.value()) }
    previous = (slice, Future { try compute(input) })
  }
  if let previous { try take(previous.items, previous.output.value()) }
}

/// A value that another thread computes.
private final class Future<Value: Sendable>: Sendable {
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

  /// Waits for the value, or throws the computation's error. May be called once.
  func value() throws -> Value {
    finished.wait()
    return try outcome.withLock { outcome in
      guard let result = outcome.take() else { preconditionFailure("a value is read twice") }
      return try result.get()
    }
  }
}
