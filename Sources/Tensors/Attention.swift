internal import CKernels

/// Which rows ask which: every query row of a segment attends to all its key rows, and to no other.
public struct AttentionSegment: Sendable, Equatable {
  /// Rows of the queries.
  public let queries: Range<Int>
  /// Rows of the keys and values.
  public let keys: Range<Int>

  /// A segment of the given rows.
  public init(queries: Range<Int>, keys: Range<Int>) {
    self.queries = queries
    self.keys = keys
  }
}

/// Heads that lie side by side in the columns of a matrix: head h is the columns from
/// `first + h · size` on.
public struct Heads {
  let matrix: Matrix
  let first: Int

  /// The heads of `matrix` from the column `first` on.
  public init(_ matrix: Matrix, from first: Int = 0) {
    self.matrix = matrix
    self.first = first
  }

  /// Where a head begins in a row of the lent numbers.
  fileprivate func start(
    _ numbers: UnsafePointer<Float>, row: Int, _ head: Int, _ shape: HeadShape
  ) -> UnsafePointer<Float> {
    numbers + row * matrix.columns + first + head * shape.size
  }
}

/// How a width is cut into heads.
public struct HeadShape: Sendable, Equatable {
  /// Number of heads.
  public let count: Int
  /// Columns of a head.
  public let size: Int
  /// 1/√size, by which scores are multiplied.
  public var scale: Float { 1 / Float(size).squareRoot() }
  /// Columns of all heads.
  public var width: Int { count * size }

  /// `width` cut into `count` heads, which must divide it.
  public init(count: Int, width: Int) {
    precondition(count > 0 && width % count == 0, "\(count) heads in a width of \(width)")
    self.count = count
    size = width / count
  }
}

/// Scaled dot-product attention, softmax(q·kᵀ/√size)·v, for every head and segment. The scores of a
/// few queries at a time are all that is kept of them.
/// - Parameter context: Becomes `[query rows, width]`, a head in the columns its queries were in.
public func attend(
  queries: Heads, keys: Heads, values: Heads, _ shape: HeadShape, _ segments: [AttentionSegment],
  into context: inout Matrix
) {
  for heads in [queries, keys, values] {
    precondition(heads.first >= 0 && heads.first + shape.width <= heads.matrix.columns)
  }
  precondition(keys.matrix.rows == values.matrix.rows)
  for segment in segments {
    precondition(
      segment.queries.lowerBound >= 0 && segment.queries.upperBound <= queries.matrix.rows)
    precondition(segment.keys.lowerBound >= 0 && segment.keys.upperBound <= keys.matrix.rows)
    precondition(!segment.keys.isEmpty, "a query needs a key to attend to")
  }
  context.reshape(rows: queries.matrix.rows, columns: shape.width)
  let scores = segments.reduce(0) { $0 + $1.queries.count * $1.keys.count }
  let longest = segments.map(\.keys.count).max() ?? 0
  queries.matrix.withPointer { q in
    keys.matrix.withPointer { k in
      values.matrix.withPointer { v in
        context.withMutablePointer { context in
          // Head by head, so that segments of the same keys find them reordered.
          inParallel(
            rows: shape.count * segments.count, operations: 2 * scores * shape.width
          ) { items in
            withScratch(kernel_attention_scratch(longest, shape.size)) { scratch in
              var packed: (head: Int, keys: Range<Int>)?
              for item in items {
                let (head, segment) = (item / segments.count, segments[item % segments.count])
                let attention = kernel_attention(
                  q: queries.start(q, row: segment.queries.lowerBound, head, shape),
                  k: keys.start(k, row: segment.keys.lowerBound, head, shape),
                  v: values.start(v, row: segment.keys.lowerBound, head, shape),
                  q_stride: queries.matrix.columns, k_stride: keys.matrix.columns,
                  v_stride: values.matrix.columns, queries: segment.queries.count,
                  keys: segment.keys.count, size: shape.size, scale: shape.scale,
                  context: context + segment.queries.lowerBound * shape.width + head * shape.size,
                  context_stride: shape.width)
                let packs = packed.map { $0 != (head, segment.keys) } ?? true
                kernel_attend(attention, packs, scratch)
                packed = (head, segment.keys)
              }
            }
          }
        }
      }
    }
  }
}
