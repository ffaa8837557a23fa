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
  func start(
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
/// - Parameters:
///   - causal: Query i of a segment sees only the keys 0…(keys − queries + i).
///   - dropout: Of the probabilities.
///   - rounding: Whether factors of a product may be rounded to bfloat16, where the processor multiplies
///     those faster; not where there is causality or dropout.
///   - context: Becomes `[query rows, width]`, a head in the columns its queries were in.
public func attend(
  queries: Heads, keys: Heads, values: Heads, _ shape: HeadShape, _ segments: [AttentionSegment],
  causal: Bool = false, dropout: Dropout? = nil, rounding: Bool = false,
  into context: inout Matrix
) {
  check(queries: queries, keys: keys, values: values, shape, segments, causal: causal)
  context.reshape(rows: queries.matrix.rows, columns: shape.width)
  let scores = segments.reduce(0) { $0 + $1.queries.count * $1.keys.count }
  let longest = segments.map(\.keys.count).max() ?? 0
  let dropout = dropout.kernel
  let trains = causal || dropout.threshold > 0
  let segments = trains ? segments.inOrderOfKeys() : segments
  let rounds = rounding && kernel_multiplies_bfloat16()
  let reordered = trains ? 0 : kernel_attention_packed(longest, shape.size, rounds)
  let scratch =
    trains
    ? kernel_attention_training_scratch(longest, shape.size)
    : kernel_attention_scratch(longest, shape.size)
  queries.matrix.withPointer { q in
    keys.matrix.withPointer { k in
      values.matrix.withPointer { v in
        context.withMutablePointer { context in
          // Head by head, so that segments of the same keys find them reordered; in training
          // segment by segment, so that all heads find a segment's rows in the cache.
          inParallel(
            rows: shape.count * segments.count, operations: 2 * scores * shape.width
          ) { items in
            withScratch(reordered + scratch) { reordering in
              let scratch = reordering + reordered
              var packed: (head: Int, keys: Range<Int>)?
              for item in items {
                let head = trains ? item % shape.count : item / segments.count
                let segment = segments[trains ? item / shape.count : item % segments.count]
                var attention = kernel_attention(
                  queries, q, keys, k, values, v, shape, segment, head: head)
                attention.context =
                  context + segment.queries.lowerBound * shape.width + head * shape.size
                attention.context_stride = shape.width
                if trains {
                  let training = kernel_attention_training(
                    causal, dropout, shape, segment, head: head)
                  kernel_attend_training(attention, training, scratch)
                } else {
                  if packed.map({ $0 != (head, segment.keys) }) ?? true {
                    kernel_pack_attention(attention, rounds, reordering)
                  }
                  kernel_attend(attention, rounds, reordering, scratch)
                  packed = (head, segment.keys)
                }
              }
            }
          }
        }
      }
    }
  }
}

extension [AttentionSegment] {
  /// The same with neighbours that ask the same keys in one: full tiles of queries.
  func merged() -> Self {
    reduce(into: []) { merged, next in
      if let last = merged.last, last.keys == next.keys,
        last.queries.upperBound == next.queries.lowerBound
      {
        merged[merged.count - 1] = AttentionSegment(
          queries: last.queries.lowerBound..<next.queries.upperBound, keys: next.keys)
      } else {
        merged.append(next)
      }
    }
  }

  func inOrderOfKeys() -> Self {
    sorted {
      ($0.keys.lowerBound, $0.queries.lowerBound) < ($1.keys.lowerBound, $1.queries.lowerBound)
    }
  }
}

/// What the kernels do not check.
func check(
  queries: Heads, keys: Heads, values: Heads, _ shape: HeadShape, _ segments: [AttentionSegment],
  causal: Bool
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
    precondition(!causal || segment.keys.count >= segment.queries.count, "a query sees no key")
  }
}

extension kernel_attention {
  /// A head of a segment, without its context.
  init(
    _ queries: Heads, _ q: UnsafePointer<Float>, _ keys: Heads, _ k: UnsafePointer<Float>,
    _ values: Heads, _ v: UnsafePointer<Float>, _ shape: HeadShape, _ segment: AttentionSegment,
    head: Int
  ) {
    self.init(
      q: queries.start(q, row: segment.queries.lowerBound, head, shape),
      k: keys.start(k, row: segment.keys.lowerBound, head, shape),
      v: values.start(v, row: segment.keys.lowerBound, head, shape),
      q_stride: queries.matrix.columns, k_stride: keys.matrix.columns,
      v_stride: values.matrix.columns, queries: segment.queries.count,
      keys: segment.keys.count, size: shape.size, scale: shape.scale, context: nil,
      context_stride: 0)
  }
}

extension kernel_attention_training {
  /// To the dropout every query and head is a row of its own.
  init(
    _ causal: Bool, _ dropout: kernel_dropout, _ shape: HeadShape, _ segment: AttentionSegment,
    head: Int
  ) {
    self.init(
      causal: causal, dropout: dropout,
      first_row: segment.queries.lowerBound * shape.count + head, row_stride: shape.count)
  }
}
