internal import CKernels

/// Queries that whole codes are scanned for together, with 7 bits of each number and the sign.
struct QueryPanel {
  /// Most queries.
  static let capacity = Int(kernel_code_queries)

  /// Numbers of a query in memory.
  let depth: Int
  private var numbers: [Int8]
  private var scales = [Float](repeating: 0, count: capacity)
  private var sums = [Float](repeating: 0, count: capacity)
  /// At least the lengths of what rounding took from the queries.
  private(set) var roundingErrors: [Double] = []
  private var reaches = [Float](repeating: 0, count: capacity)
  private var limits = [Float](repeating: .infinity, count: capacity)

  /// Queries of one dimension, `capacity` at most.
  init(_ queries: some Collection<PreparedQuery>) {
    let (depth, rows) = (queries.first!.halves.count, queries.flatMap(\.halves))
    precondition(queries.count <= Self.capacity && rows.count == queries.count * depth)
    self.depth = depth
    numbers = [Int8](repeating: 0, count: Self.capacity * depth)
    var rounded = [Float](repeating: 0, count: rows.count)
    withPanels { panels in
      kernel_pack(rows, queries.count, depth, panels)
      kernel_unpack(panels, queries.count, depth, &rounded)
    }
    roundingErrors = stride(from: 0, to: rows.count, by: depth).map { first in
      let squares = (first..<first + depth).reduce(0.0) { sum, index in
        let error = Double(rows[index]) - Double(rounded[index])
        return sum + error * error
      }
      return squares.squareRoot() * (1 + 1e-9)
    }
  }

  /// What a query asks of the next block.
  mutating func set(_ filter: ScoreFilter, of query: Int) {
    reaches[query] = filter.reach
    limits[query] = filter.limit
  }

  /// Scans codes; `found`, `scores` and `counts` have space for all queries.
  mutating func scan(
    _ codes: kernel_whole_codes, _ found: UnsafeMutablePointer<UInt32>,
    _ scores: UnsafeMutablePointer<Float>, _ counts: UnsafeMutablePointer<Int>
  ) {
    precondition(codes.depth == depth)
    let (reaches, limits) = (reaches, limits)
    withPanels { panels in
      reaches.withUnsafeBufferPointer { reaches in
        limits.withUnsafeBufferPointer { limits in
          kernel_scan_whole_codes(
            codes,
            kernel_code_query_panels(
              panels: panels, reaches: reaches.baseAddress!, limits: limits.baseAddress!,
              found: found, scores: scores, found_counts: counts))
        }
      }
    }
  }

  private mutating func withPanels(_ body: (kernel_panels) -> Void) {
    numbers.withUnsafeMutableBufferPointer { numbers in
      scales.withUnsafeMutableBufferPointer { scales in
        sums.withUnsafeMutableBufferPointer { sums in
          body(
            kernel_panels(
              format: kernel_integers, numbers: numbers.baseAddress!, scales: scales.baseAddress!,
              sums: sums.baseAddress!))
        }
      }
    }
  }
}
