internal import Tensors

/// Works through jobs, several at a time on all cores, and hands over what came of each as it is
/// ready, in no order. At most `inFlight` jobs are begun and not yet handed over, so that memory is
/// bounded whatever the number of jobs.
///
/// Once `shouldStop` says so no further job is begun; those in flight are still handed over. An
/// error of a job or of `take` ends the work and is thrown on. Returns whether all jobs were done.
package func workThrough<Job: Sendable, Outcome: Sendable>(
  _ jobs: [Job], inFlight: Int, shouldStop: @Sendable () -> Bool,
  work: @escaping @Sendable (Job) throws -> Outcome, take: (Outcome) throws -> Void
) async throws -> Bool {
  try await withThrowingTaskGroup(of: Outcome.self) { group in
    var begun = 0
    var running = 0
    var stopped = false
    while true {
      while !stopped, begun < jobs.count, running < inFlight {
        if shouldStop() {
          stopped = true
          break
        }
        let job = jobs[begun]
        group.addTask { try work(job) }
        begun += 1
        running += 1
      }
      guard let outcome = try await group.next() else { return begun == jobs.count }
      running -= 1
      try take(outcome)
    }
  }
}

/// Works through items in groups, each group on a core of its own (a lone one on all), and hands over
/// what came of each in their order, as soon as it is there. Otherwise as `workThrough`.
/// - Parameter perTask: Items of a group; fewer where there would be too few groups for all cores.
func workThroughInOrder<Item: Sendable, Outcome: Sendable>(
  _ items: [Item], perTask: Int, shouldStop: @Sendable () -> Bool,
  work: @escaping @Sendable ([Item]) throws -> Outcome, take: (Outcome) throws -> Void
) async throws -> Bool {
  let size = max(1, min(perTask, (items.count + processors - 1) / processors))
  let groups = stride(from: 0, to: items.count, by: size).map {
    (number: $0 / size, items: Array(items[$0..<min($0 + size, items.count)]))
  }
  if groups.count > 1 { setComputeThreads(1) }
  defer { setComputeThreads(processors) }
  var waiting: [Int: Outcome] = [:]
  var next = 0
  return try await workThrough(
    groups, inFlight: processors + 1, shouldStop: shouldStop,
    work: { (number: $0.number, outcome: try work($0.items)) },
    take: { number, outcome in
      waiting[number] = outcome
      while let ready = waiting.removeValue(forKey: next) {
        next += 1
        try take(ready)
      }
    })
}
