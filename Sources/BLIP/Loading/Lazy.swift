internal import Synchronization

/// A value that is made once, when first used, whatever the number of threads.
final class Lazy<Value: Sendable>: Sendable {
  private let made = Mutex<Value?>(nil)
  private let make: @Sendable () throws -> Value

  init(_ make: @escaping @Sendable () throws -> Value) { self.make = make }

  /// The value; if making it throws, the next call tries again.
  func callAsFunction() throws -> Value {
    try made.withLock { made in
      if let made { return made }
      let value = try make()
      made = value
      return value
    }
  }
}

/// Buffers for intermediate results, each lent to one forward pass at a time and then reused, so that a
/// thread that encodes picture after picture allocates once.
final class Pool<Value: Sendable>: Sendable {
  private let free = Mutex<[Value]>([])
  private let make: @Sendable () -> Value

  init(_ make: @escaping @Sendable () -> Value) { self.make = make }

  func lend<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    var value = free.withLock { $0.popLast() } ?? make()
    defer { free.withLock { [value] in $0.append(value) } }
    return try body(&value)
  }
}
