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
