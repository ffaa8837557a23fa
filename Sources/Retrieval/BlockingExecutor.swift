internal import Dispatch
internal import Store

/// Runs work that blocks or computes for long on a thread of its own.
func blocking<Result: Sendable>(
  _ body: @escaping @Sendable () throws(RetrievalError) -> Result
) async throws(RetrievalError) -> Result {
  try await withTaskExecutorPreference(BlockingExecutor.shared) { () throws(RetrievalError) in
    try body()
  }
}

/// Runs tasks on threads of their own, so that work that blocks (files, locks, LMDB) or computes for long
/// takes no thread from Swift's cooperative pool.
final class BlockingExecutor: TaskExecutor {
  static let shared = BlockingExecutor()

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    DispatchQueue.global(qos: .userInitiated).async {
      job.runSynchronously(on: self.asUnownedTaskExecutor())
    }
  }
}
