import HTTPTypes
import Synchronization
import Testing

@testable import Server

@Suite("Admission") struct AdmissionTests {
  @Test("never lets more compute than it may, and refuses who would wait behind too many")
  func limits() async throws {
    let admission = Admission(running: 2, waiting: 3)
    let gate = AsyncStream.makeStream(of: Void.self)
    let outcomes = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<9 {
        group.addTask {
          do {
            try await admission.run {
              for await _ in gate.stream { break }
            }
            return true
          } catch let problem as Problem {
            #expect(problem.status.code == 503 && problem.retryAfter == 1)
            return false
          } catch { return false }
        }
      }
      // All have asked when two compute, three wait and the others have been refused.
      var refused = 0
      while refused < 4, let outcome = await group.next() {
        #expect(!outcome)
        refused += 1
      }
      #expect(admission.load == (2, 3))
      gate.continuation.finish()
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(outcomes == 5)
    #expect(admission.load == (0, 0))
  }

  @Test("says how many compute, whenever that changes")
  func changes() async throws {
    let counts = Mutex<[Int]>([])
    let admission = Admission(running: 1, waiting: 1) { count in
      counts.withLock { $0.append(count) }
    }
    for _ in 0..<2 { try await admission.run {} }
    #expect(counts.withLock { $0 } == [1, 0, 1, 0])
  }

  @Test("refuses new work once it is closed")
  func closing() async {
    let admission = Admission(running: 1, waiting: 1)
    admission.close()
    await #expect(throws: Problem.self) { try await admission.run {} }
  }
}

@Suite("Recently used values") struct RecentlyUsedTests {
  @Test("are kept, and the one that was not used for longest goes first")
  func eviction() {
    let values = RecentlyUsed<Int, String>(most: 2)
    values.insert("a", for: 1)
    values.insert("b", for: 2)
    #expect(values[1] == "a")
    values.insert("c", for: 3)
    #expect(values[1] == "a" && values[2] == nil && values[3] == "c")
  }
}
