internal import CKernels
internal import Dispatch
internal import Glibc
internal import Synchronization

/// The threads that operations are divided among. A forward pass is about a hundred operations in
/// quick succession, so a thread that has finished its part spins for a while before it sleeps: waking
/// it takes longer than many operations do.
final class Workers: Sendable {
  static let shared = Workers(count: processors - 1)

  /// The current job; written only while it is not open and no worker is inside.
  private struct Job {
    var parts = 0
    var body: (Int) -> Void = { _ in }
  }

  private let job = UnsafeJob()
  /// Held by the thread that started the job.
  private let isTaken = Atomic(false)
  private let isOpen = Atomic(false)
  /// Workers that are reading the job.
  private let inside = Atomic(0)
  /// Parts that were started, and parts that are done.
  private let begun = Atomic(0)
  private let done = Atomic(0)
  /// Counts the jobs.
  private let calls = Atomic(0)
  private let asleep = Atomic(0)
  private let wake = DispatchSemaphore(value: 0)
  private let count: Int

  private final class UnsafeJob: @unchecked Sendable {
    var value = Job()
  }

  private init(count: Int) {
    self.count = count
    for index in 0..<count {
      DispatchQueue(label: "blip.worker.\(index)").async { self.work() }
    }
  }

  /// Calls `body` with each of 0..<parts once, on this thread and the workers, and returns when all
  /// are done. While another thread's job is running, all parts are done on this thread.
  func perform(parts: Int, _ body: (Int) -> Void) {
    guard count > 0, !isTaken.exchange(true, ordering: .acquiring) else {
      return (0..<parts).forEach(body)
    }
    withoutActuallyEscaping(body) { body in
      job.value = Job(parts: parts, body: body)
      begun.store(0, ordering: .relaxed)
      done.store(0, ordering: .relaxed)
      isOpen.store(true, ordering: .sequentiallyConsistent)
      calls.add(1, ordering: .sequentiallyConsistent)
      for _ in 0..<min(asleep.load(ordering: .sequentiallyConsistent), parts - 1) { wake.signal() }
      takeParts()
      spin { done.load(ordering: .acquiring) == parts }
      isOpen.store(false, ordering: .sequentiallyConsistent)
      spin { inside.load(ordering: .sequentiallyConsistent) == 0 }
      job.value = Job()
    }
    isTaken.store(false, ordering: .releasing)
  }

  private func takeParts() {
    let parts = job.value.parts
    while true {
      let part = begun.add(1, ordering: .relaxed).oldValue
      guard part < parts else { return }
      job.value.body(part)
      done.add(1, ordering: .releasing)
    }
  }

  /// The endless loop of a worker.
  private func work() {
    var seen = 0
    while true {
      waitForCall(after: &seen)
      inside.add(1, ordering: .sequentiallyConsistent)
      if isOpen.load(ordering: .sequentiallyConsistent) { takeParts() }
      inside.subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  /// Returns when there has been a call since the last one seen.
  private func waitForCall(after seen: inout Int) {
    for _ in 0..<20_000 {
      let now = calls.load(ordering: .sequentiallyConsistent)
      if now != seen { return seen = now }
      kernel_pause()
    }
    asleep.add(1, ordering: .sequentiallyConsistent)
    if calls.load(ordering: .sequentiallyConsistent) == seen { wake.wait() }
    asleep.subtract(1, ordering: .sequentiallyConsistent)
    seen = calls.load(ordering: .sequentiallyConsistent)
  }

  private func spin(until condition: () -> Bool) {
    var turns = 0
    while !condition() {
      kernel_pause()
      turns += 1
      // The thread that is waited for may not be running.
      if turns % 20_000 == 0 { sched_yield() }
    }
  }
}
