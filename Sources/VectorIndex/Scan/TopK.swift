/// A vector near a query: its id and its score.
public struct Neighbor: Sendable, Hashable {
  /// Which vector.
  public let id: UInt64
  /// Dot product with the query.
  public let score: Double

  /// A scored id.
  public init(id: UInt64, score: Double) {
    self.id = id
    self.score = score
  }

  /// Whether it comes before `other`: the higher score, and the smaller id among equals, so that
  /// an answer does not depend on the order in which vectors are met.
  public func isBetter(than other: Neighbor) -> Bool {
    score > other.score || (score == other.score && id < other.id)
  }
}

/// The best `capacity` neighbors of those inserted, in a heap whose root is the worst of them.
public struct TopK: Sendable {
  /// How many are kept.
  public let capacity: Int
  private var heap: [Neighbor] = []

  /// Keeps the best `capacity`; 0 keeps none.
  public init(capacity: Int) {
    precondition(capacity >= 0, "the best \(capacity)")
    self.capacity = capacity
  }

  /// How many are kept now.
  public var count: Int { heap.count }

  /// The worst of those kept, once there are as many as can be.
  public var worst: Neighbor? { heap.count == capacity ? heap.first : nil }

  /// Offers a neighbor.
  ///
  /// - Precondition: the score is a number; NaN has no place in an order.
  /// - Complexity: O(1) for one that is not among the best so far, O(log `capacity`) otherwise.
  public mutating func insert(_ neighbor: Neighbor) {
    precondition(!neighbor.score.isNaN, "the score of \(neighbor.id) is not a number")
    if heap.count < capacity {
      heap.append(neighbor)
      siftUp(from: heap.count - 1)
    } else if capacity > 0, neighbor.isBetter(than: heap[0]) {
      heap[0] = neighbor
      siftDown()
    }
  }

  /// What is kept, best first.
  public func sorted() -> [Neighbor] { heap.sorted { $0.isBetter(than: $1) } }

  private mutating func siftUp(from index: Int) {
    var child = index
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[parent].isBetter(than: heap[child]) else { return }
      heap.swapAt(parent, child)
      child = parent
    }
  }

  private mutating func siftDown() {
    var parent = 0
    while true {
      var worst = parent
      for child in (2 * parent + 1)..<(2 * parent + 3)
      where child < heap.count && heap[worst].isBetter(than: heap[child]) {
        worst = child
      }
      guard worst != parent else { return }
      heap.swapAt(worst, parent)
      parent = worst
    }
  }
}
