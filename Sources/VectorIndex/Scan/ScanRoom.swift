/// What a query asks of the codes of a block.
struct Sieve {
  /// What a vector's error is multiplied by.
  let reach: Float
  /// A vector stays unless its score and what its error may add are less.
  let limit: Float
}

/// A vector of a block that a sieve let through.
struct Finding {
  let index: Int
  /// By its code, less the centroid's.
  let score: Double
  /// As far as the vector can be from its code.
  let codeError: Double
}

/// Memory for what is found in a block, used again for the next one.
struct ScanRoom: Sendable {
  private var found: [UInt32] = []
  private var scores: [Float] = []
  private var counts: [Int] = []
  private var vectors = 0

  /// Has `scan` fill room for as many findings of each query as there are vectors, one query's behind
  /// the other's, and count them.
  mutating func fill(
    queries: Int, vectors: Int,
    _ scan: (
      UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Int>
    ) -> Void
  ) {
    self.vectors = vectors
    // An empty block's room has an address too.
    let room = queries * max(vectors, 1)
    if found.count < room {
      found = [UInt32](repeating: 0, count: room)
      scores = [Float](repeating: 0, count: room)
    }
    if counts.count < queries { counts = [Int](repeating: 0, count: queries) }
    found.withUnsafeMutableBufferPointer { found in
      scores.withUnsafeMutableBufferPointer { scores in
        counts.withUnsafeMutableBufferPointer { counts in
          scan(found.baseAddress!, scores.baseAddress!, counts.baseAddress!)
        }
      }
    }
  }

  /// How many vectors a query has found.
  func count(_ query: Int) -> Int { counts[query] }

  /// One of them, and its score less the centroid's.
  func finding(_ query: Int, _ position: Int) -> (index: Int, score: Double) {
    (Int(found[query * vectors + position]), Double(scores[query * vectors + position]))
  }
}
