import Synchronization
import Testing

@testable import Tensors

@Suite("A concurrent map")
struct ConcurrentMapTests {
  private struct Refusal: Error {}

  @Test("The outputs are in the order of the items", arguments: [0, 1, 2, 100])
  func order(count: Int) {
    #expect(concurrentMap(Array(0..<count)) { "\($0)" } == (0..<count).map { "\($0)" })
    // An output may be nil.
    #expect(concurrentMap([1, 2]) { $0 == 1 ? nil : $0 } == [nil, 2])
  }

  @Test("Every job is done once, and few at a time")
  func bounded() async throws {
    let running = Mutex(0)
    var taken: [Int] = []
    let isComplete = try await concurrentMap(
      Array(0..<50), inFlight: 3, shouldStop: { false },
      work: { job in
        running.withLock { $0 += 1 }
        return job
      },
      take: { job in
        #expect(running.withLock { $0 } - taken.count <= 3)
        taken.append(job)
      })
    #expect(isComplete && taken.sorted() == Array(0..<50))
  }

  @Test("Stopped, it still takes what was started")
  func stopped() async throws {
    let started = Mutex(0)
    var taken = 0
    let isComplete = try await concurrentMap(
      Array(0..<50), inFlight: 2, shouldStop: { started.withLock { $0 } >= 5 },
      work: { _ in started.withLock { $0 += 1 } }, take: { taken += 1 })
    #expect(!isComplete && taken == started.withLock { $0 } && taken < 50)
  }

  @Test("An error of a job or of what takes its output is thrown")
  func errors() async {
    await #expect(throws: Refusal.self) {
      try await concurrentMap(
        [1, 2, 3], inFlight: 2, shouldStop: { false },
        work: { if $0 == 2 { throw Refusal() } }, take: {})
    }
    await #expect(throws: Refusal.self) {
      try await concurrentMap(
        [1, 2, 3], inFlight: 2, shouldStop: { false }, work: { $0 },
        take: { if $0 == 2 { throw Refusal() } })
    }
  }
}
