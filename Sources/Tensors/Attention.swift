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

/// Scaled dot-product attention, softmax(q·kᵀ/√size)·v, for every head and segment.
/// - Parameters:
///   - probabilities: Becomes one row of `heads · queries · keys` numbers a segment, one behind the
///     other.
///   - context: Becomes `[query rows, width]`, a head in the columns its queries were in.
public func attend(
  queries: Heads, keys: Heads, values: Heads, _ shape: HeadShape, _ segments: [AttentionSegment],
  probabilities: inout [Float], into context: inout Matrix
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
  let count = segments.reduce(0) { $0 + $1.queries.count * $1.keys.count * shape.count }
  probabilities.resize(to: count)
  context.reshape(rows: queries.matrix.rows, columns: shape.width)
  let stride = (
    query: queries.matrix.columns, key: keys.matrix.columns, value: values.matrix.columns
  )
  queries.matrix.withPointer { q in
    keys.matrix.withPointer { k in
      values.matrix.withPointer { v in
        probabilities.withMutablePointer(count: count) { p in
          context.withMutablePointer { context in
            var scores = p
            for segment in segments {
              let (asking, asked) = (segment.queries.count, segment.keys.count)
              let first = (query: segment.queries.lowerBound, key: segment.keys.lowerBound)
              inParallel(
                rows: shape.count, operations: 2 * asking * asked * shape.width
              ) { heads in
                for head in heads {
                  let column = head * shape.size
                  let scores = scores + head * asking * asked
                  multiply(
                    rows: asking, columns: asked, depth: shape.size,
                    Block(q + first.query * stride.query + queries.first + column, stride.query),
                    Block(k + first.key * stride.key + keys.first + column, stride.key),
                    transposed: true, into: Block(scores, asked))
                  kernel_softmax(scores, asking, asked, shape.scale)
                  multiply(
                    rows: asking, columns: shape.size, depth: asked,
                    Block(UnsafePointer(scores), asked),
                    Block(v + first.key * stride.value + values.first + column, stride.value),
                    transposed: false,
                    into: Block(context + first.query * shape.width + column, shape.width))
                }
              }
              scores += shape.count * asking * asked
            }
          }
        }
      }
    }
  }
}
