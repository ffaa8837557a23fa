internal import Dispatch
internal import Synchronization

/// What `transform` makes of every item, in the order of the items, computed on all cores.
package func concurrentMap<Item, Output: Sendable>(
  _ items: [Item], _ transform: (Item) -> Output
) -> [Output] {
  let outputs = Mutex([Output?](repeating: nil, count: items.count))
  withoutActuallyEscaping(transform) { transform in
    // Every call gets an item of its own and ends before this function returns.
    nonisolated(unsafe) let (items, transform) = (items, transform)
    DispatchQueue.concurrentPerform(iterations: items.count) { index in
      let output = transform(items[index])
      outputs.withLock { $0[index] = output }
    }
  }
  return outputs.withLock { $0.compactMap { $0 } }
}

/// Processes jobs on all cores and passes each result to `take` as soon as it is ready, in any order.
/// At most `inFlight` jobs have been started without their results taken, which bounds the memory.
///
/// Once `shouldStop` returns true no further job is started; results of those that are running are
/// still taken. An error of a job or of `take` ends the work and is rethrown.
/// - Returns: Whether all jobs were done.
package func concurrentMap<Job: Sendable, Output: Sendable>(
  _ jobs: [Job], inFlight: Int, shouldStop: @Sendable () -> Bool,
  work: @escaping @Sendable (Job) throws -> Output, take: (Output) throws -> Void
) async throws -> Bool {
  try await withThrowingTaskGroup(of: Output.self) { group in
    var started = 0
    var running = 0
    var isStopped = false
    while true {
      while !isStopped, started < jobs.count, running < inFlight {
        if shouldStop() {
          isStopped = true
          break
        }
        let job = jobs[started]
        group.addTask { try work(job) }
        started += 1
        running += 1
      }
      guard let output = try await group.next() else { return started == jobs.count }
      running -= 1
      try take(output)
    }
  }
}

/// The same for batches of items, with the results in the order of the items. Each batch is processed
/// on one core; a single batch uses all of them.
/// - Parameter perTask: Items of a batch; fewer if there were fewer batches than cores.
package func orderedConcurrentMap<Item: Sendable, Output: Sendable>(
  _ items: [Item], perTask: Int, shouldStop: @Sendable () -> Bool,
  work: @escaping @Sendable ([Item]) throws -> Output, take: (Output) throws -> Void
) async throws -> Bool {
  let size = max(1, min(perTask, (items.count + processors - 1) / processors))
  let batches = stride(from: 0, to: items.count, by: size).map {
    (number: $0 / size, items: Array(items[$0..<min($0 + size, items.count)]))
  }
  if batches.count > 1 { setComputeThreads(1) }
  defer { setComputeThreads(processors) }
  var waiting: [Int: Output] = [:]
  var next = 0
  return try await concurrentMap(
    batches, inFlight: processors + 1, shouldStop: shouldStop,
    work: { (number: $0.number, output: try work($0.items)) },
    take: { number, output in
      waiting[number] = output
      while let ready = waiting.removeValue(forKey: next) {
        next += 1
        try take(ready)
      }
    })
}
