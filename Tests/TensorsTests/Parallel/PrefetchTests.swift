import Synchronization
import Testing

@testable import Tensors

@Suite("Reading one batch while another computes")
struct PrefetchTests {
  private struct Refusal: Error {}

  @Test("Every batch is taken once, in order", arguments: [0, 1, 15, 16, 17, 48])
  func order(count: Int) throws {
    var taken: [Int] = []
    try prefetching(
      Array(0..<count), batch: 16, read: { $0.map { 2 * $0 } },
      compute: { $0.map { $0 + 1 } },
      take: { items, outputs in
        #expect(outputs == items.map { 2 * $0 + 1 })
        taken += items
      })
    #expect(taken == Array(0..<count))
  }

  @Test("The next batch is read while the one before it computes, and no more than that")
  func overlap() throws {
    let read = Mutex(0)
    var taken = 0
    try prefetching(
      Array(0..<5), batch: 1,
      read: { slice in
        read.withLock { $0 += 1 }
        // At most the batch that computes is ahead of what was taken.
        #expect(slice.startIndex - taken <= 1)
        return slice.startIndex
      },
      compute: { slice in
        // Returns only once the next batch was read; there are five in all.
        while read.withLock({ $0 }) < min(slice + 2, 5) {}
      },
      take: { _, _ in taken += 1 })
    #expect(taken == 5)
  }

  @Test("An error on either side ends both")
  func errors() {
    #expect(throws: Refusal.self) {
      try prefetching(
        [1, 2, 3], batch: 1, read: { if $0.first == 2 { throw Refusal() } },
        compute: { _ in }, take: { _, _ in })
    }
    var taken = 0
    #expect(throws: Refusal.self) {
      try prefetching(
        [1, 2, 3], batch: 1, read: { $0.first! }, compute: { if $0 == 2 { throw Refusal() } },
        take: { _, _ in taken += 1 })
    }
    #expect(taken == 1)
  }
}
