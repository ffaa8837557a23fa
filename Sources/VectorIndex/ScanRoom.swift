/// What a query asks of the upper bits of a block.
struct Sieve {
  let query: PreparedQuery
  /// What a vector's error is multiplied by.
  let reach: Float
  /// A vector stays unless its score and what its error may add are less.
  let limit: Float
}

/// Memory for the scan of a block by some queries, used again for the next one.
struct ScanRoom: Sendable {
  /// Queries that are scanned for together.
  static let queries = 4

  private var rounded: [Int8] = []
  private var found: [UInt32] = []
  private var scores: [Float] = []
  private var counts = [Int](repeating: 0, count: ScanRoom.queries)
  private var count = 0

  mutating func prepare(count: Int, depth: Int) {
    self.count = count
    if rounded.count < Self.queries * depth {
      rounded = [Int8](repeating: 0, count: Self.queries * depth)
    }
    if found.count < Self.queries * count {
      found = [UInt32](repeating: 0, count: Self.queries * count)
      scores = [Float](repeating: 0, count: Self.queries * count)
    }
  }

  mutating func withPointers(
    _ body: (
      UnsafeMutablePointer<Int8>, UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Float>,
      UnsafeMutablePointer<Int>
    ) -> Void
  ) {
    rounded.withUnsafeMutableBufferPointer { rounded in
      found.withUnsafeMutableBufferPointer { found in
        scores.withUnsafeMutableBufferPointer { scores in
          counts.withUnsafeMutableBufferPointer { counts in
            // An empty block has no memory to look at, and nothing is found in it.
            guard let found = found.baseAddress, let scores = scores.baseAddress else {
              return counts.update(repeating: 0)
            }
            body(rounded.baseAddress!, found, scores, counts.baseAddress!)
          }
        }
      }
    }
  }

  /// How many vectors a query has found.
  func count(_ query: Int) -> Int { counts[query] }

  /// One of them, and its score less the centroid's.
  func finding(_ query: Int, _ position: Int) -> (index: Int, score: Double) {
    (Int(found[query * count + position]), Double(scores[query * count + position]))
  }
}
