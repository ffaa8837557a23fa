internal import Dispatch
internal import Glibc
internal import Synchronization

/// Processors that this process may use.
public let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

/// How many threads one operation may use, in the whole process: all processors, unless told
/// otherwise. A program that runs an encoder on every core sets one.
public func setComputeThreads(_ count: Int) {
  precondition(count > 0)
  computeThreads.store(count, ordering: .relaxed)
}

private let computeThreads = Atomic(processors)

/// Calls `body` with ranges that together are 0..<rows, on several threads where the operation is
/// worth it.
/// - Parameters:
///   - multiple: What every range but the last is a multiple of.
///   - operations: Multiplications of the whole.
func inParallel(
  rows: Int, multipleOf multiple: Int = 1, operations: Int, _ body: (Range<Int>) -> Void
) {
  // Waking another thread takes as long as some hundred thousand multiplications.
  let worthwhile = min(
    computeThreads.load(ordering: .relaxed), operations / 3_000_000,
    (rows + multiple - 1) / multiple)
  guard worthwhile > 1 else { return body(0..<rows) }
  let units = (rows + multiple - 1) / multiple
  withoutActuallyEscaping(body) { body in
    // The ranges are apart, and the call returns when all of them are done.
    nonisolated(unsafe) let body = body
    DispatchQueue.concurrentPerform(iterations: worthwhile) { part in
      let first = units * part / worthwhile * multiple
      let end = min(units * (part + 1) / worthwhile * multiple, rows)
      body(first..<end)
    }
  }
}
