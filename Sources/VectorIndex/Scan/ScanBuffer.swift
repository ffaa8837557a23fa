/// Which codes of a block a query has a closer look at.
struct ScoreFilter {
  /// What a vector's error is multiplied by.
  let reach: Float
  /// A vector is passed over where its score and what its error may add are less.
  let limit: Float
}

/// A vector of a block that passed a filter.
struct Match {
  let index: Int
  /// By its code, less the centroid's.
  let score: Double
  /// As far as the vector can be from its code.
  let codeError: Double
}

/// Memory for the matches of a block, used again for the next one.
struct ScanBuffer: Sendable {
  private var found: [UInt32] = []
  private var scores: [Float] = []
  private var counts: [Int] = []
  private var vectors = 0

  /// Has `scan` write the matches of each query, at most as many as there are vectors, one query's after
  /// the other's, and count them.
  mutating func fill(
    queries: Int, vectors: Int,
    _ scan: (
      UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Int>
    ) -> Void
  ) {
    self.vectors = vectors
    // An empty block's buffer has an address too.
    let size = queries * max(vectors, 1)
    if found.count < size {
      found = [UInt32](repeating: 0, count: size)
      scores = [Float](repeating: 0, count: size)
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

  /// How many matches a query has.
  func count(_ query: Int) -> Int { counts[query] }

  /// One of them: which vector, and its score less the centroid's.
  func match(_ query: Int, _ position: Int) -> (index: Int, score: Double) {
    (Int(found[query * vectors + position]), Double(scores[query * vectors + position]))
  }
}
