internal import Glibc
internal import Synchronization

/// The number of processors.
public let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

/// Sets how many threads one operation may use, for the entire process; by default, one for each
/// processor. A program that runs an encoder on every core sets 1.
public func setComputeThreads(_ count: Int) {
  precondition(count > 0)
  computeThreads.store(count, ordering: .relaxed)
}

/// What `setComputeThreads` set.
var currentComputeThreads: Int { computeThreads.load(ordering: .relaxed) }

private let computeThreads = Atomic(processors)

/// Calls `body` with ranges that together are 0..<rows, on several threads if the operation is large
/// enough.
/// - Parameters:
///   - multiple: The size of every range except the last is a multiple of it.
///   - operations: How many multiplications the operation has.
package func inParallel(
  rows: Int, multipleOf multiple: Int = 1, operations: Int, _ body: (Range<Int>) -> Void
) {
  let units = (rows + multiple - 1) / multiple
  let parts = worthwhileParts(of: units, operations: operations)
  guard parts > 1 else { return body(0..<rows) }
  inParallel(parts: parts) { part in
    let first = units * part / parts * multiple
    let end = min(units * (part + 1) / parts * multiple, rows)
    body(first..<end)
  }
}

/// The number of parts, at least one, to divide an operation over `units` units into. Passing a part
/// to another thread takes as long as about ten thousand multiplications.
func worthwhileParts(of units: Int, operations: Int) -> Int {
  max(1, min(currentComputeThreads, operations / 200_000, units))
}

/// Calls `body` with 0..<parts, on as many threads.
func inParallel(parts: Int, _ body: (Int) -> Void) {
  guard parts > 1 else { return body(0) }
  Workers.shared.perform(parts: parts, body)
}
