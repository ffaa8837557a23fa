internal import Dispatch

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
