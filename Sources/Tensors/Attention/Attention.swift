internal import CKernels

/// Query and key ranges: every query row of a segment attends to all its key rows, and to no other.
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

/// Heads side by side in the columns of a matrix: head h is the columns from `first + h · size` on.
public struct Heads {
  let matrix: Matrix
  let first: Int

  /// The heads of `matrix` from the column `first` on.
  public init(_ matrix: Matrix, from first: Int = 0) {
    self.matrix = matrix
    self.first = first
  }

  /// Where a head begins in a row of the matrix's numbers.
  func start(
    _ numbers: UnsafePointer<Float>, row: Int, _ head: Int, _ shape: HeadShape
  ) -> UnsafePointer<Float> {
    numbers + row * matrix.columns + first + head * shape.size
  }
}

/// How a width is divided into heads.
public struct HeadShape: Sendable, Equatable {
  /// Number of heads.
  public let count: Int
  /// Columns of a head.
  public let size: Int
  /// 1/√size, by which scores are multiplied.
  public var scale: Float { 1 / Float(size).squareRoot() }
  /// Columns of all heads.
  public var width: Int { count * size }

  /// `width` divided into `count` heads, which must divide it evenly.
  public init(count: Int, width: Int) {
    precondition(count > 0 && width % count == 0, "\(count) heads in a width of \(width)")
    self.count = count
    size = width / count
  }
}

/// What attention is computed from.
public struct AttentionOperands {
  /// The heads of queries, keys and values.
  public let queries, keys, values: Heads
  /// The shape of all three.
  public let shape: HeadShape
  /// Who attends to whom.
  public let segments: [AttentionSegment]
  /// Whether query i of a segment attends only to the keys 0…(keys − queries + i).
  public let causal: Bool
  /// Dropout of the probabilities.
  public let dropout: Dropout?

  /// Operands whose shapes and segments agree.
  public init(
    queries: Heads, keys: Heads, values: Heads, _ shape: HeadShape,
    _ segments: [AttentionSegment], causal: Bool = false, dropout: Dropout? = nil
  ) {
    (self.queries, self.keys, self.values) = (queries, keys, values)
    (self.shape, self.segments) = (shape, segments)
    (self.causal, self.dropout) = (causal, dropout)
    check()
  }

  /// Checks what the kernels do not.
  private func check() {
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

  /// Scores of all segments, for one head.
  var scores: Int { segments.reduce(0) { $0 + $1.queries.count * $1.keys.count } }

  /// The most keys of a segment.
  var mostKeys: Int { segments.map(\.keys.count).max() ?? 0 }

  /// Lends the numbers of queries, keys and values.
  func withPointers(_ body: (AttentionPointers) -> Void) {
    queries.matrix.withPointer { q in
      keys.matrix.withPointer { k in
        values.matrix.withPointer { v in body(AttentionPointers(q: q, k: k, v: v)) }
      }
    }
  }
}

/// The numbers of queries, keys and values.
struct AttentionPointers {
  let q, k, v: UnsafePointer<Float>
}

/// Scaled dot-product attention, softmax(q·kᵀ/√size)·v, for every head and segment. Only the scores
/// of a few queries at a time are in memory.
/// - Parameters:
///   - rounding: Whether factors may be rounded to bfloat16, where the processor multiplies those
///     faster; not with causality or dropout.
///   - context: Becomes `[query rows, width]`, a head in the columns its queries were in.
public func attend(
  _ operands: AttentionOperands, rounding: Bool = false, into context: inout Matrix
) {
  let shape = operands.shape
  context.reshape(rows: operands.queries.matrix.rows, columns: shape.width)
  if operands.causal || operands.dropout.kernel.threshold > 0 {
    attendInTraining(operands, into: &context)
  } else {
    attendInInference(operands, rounds: rounding && kernel_multiplies_bfloat16(), into: &context)
  }
}

/// Head by head, so that segments of the same keys find them reordered.
private func attendInInference(
  _ operands: AttentionOperands, rounds: Bool, into context: inout Matrix
) {
  let (shape, segments) = (operands.shape, operands.segments)
  let longest = operands.mostKeys
  let reordered = kernel_attention_packed(longest, shape.size, rounds)
  operands.withPointers { pointers in
    context.withMutablePointer { context in
      inParallel(
        rows: shape.count * segments.count, operations: 2 * operands.scores * shape.width
      ) { items in
        withScratch(reordered + kernel_attention_scratch(longest, shape.size)) { reordering in
          var packed: (head: Int, keys: Range<Int>)?
          for item in items {
            let (head, segment) = (item / segments.count, segments[item % segments.count])
            let attention = kernel_attention(
              operands, pointers, segment, head: head, context: context)
            if packed.map({ $0 != (head, segment.keys) }) ?? true {
              kernel_pack_attention(attention, rounds, reordering)
            }
            kernel_attend(attention, rounds, reordering, reordering + reordered)
            packed = (head, segment.keys)
          }
        }
      }
    }
  }
}

/// Segment by segment, so that all heads find a segment's rows in the cache.
private func attendInTraining(_ operands: AttentionOperands, into context: inout Matrix) {
  let (shape, segments) = (operands.shape, operands.segments.inOrderOfKeys())
  operands.withPointers { pointers in
    context.withMutablePointer { context in
      inParallel(
        rows: shape.count * segments.count, operations: 2 * operands.scores * shape.width
      ) { items in
        withScratch(kernel_attention_training_scratch(operands.mostKeys, shape.size)) { scratch in
          for item in items {
            let (head, segment) = (item % shape.count, segments[item / shape.count])
            kernel_attend_training(
              kernel_attention(operands, pointers, segment, head: head, context: context),
              kernel_attention_training(operands, segment, head: head), scratch)
          }
        }
      }
    }
  }
}

extension [AttentionSegment] {
  /// Merges neighbours with the same keys: full tiles of queries.
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

extension kernel_attention {
  /// A head of a segment.
  /// - Parameter context: Of all segments, `[query rows, width]`; nil where none is written.
  init(
    _ operands: AttentionOperands, _ pointers: AttentionPointers, _ segment: AttentionSegment,
    head: Int, context: UnsafeMutablePointer<Float>? = nil
  ) {
    let (shape, queries, keys) = (operands.shape, segment.queries, segment.keys)
    self.init(
      q: operands.queries.start(pointers.q, row: queries.lowerBound, head, shape),
      k: operands.keys.start(pointers.k, row: keys.lowerBound, head, shape),
      v: operands.values.start(pointers.v, row: keys.lowerBound, head, shape),
      q_stride: operands.queries.matrix.columns, k_stride: operands.keys.matrix.columns,
      v_stride: operands.values.matrix.columns, queries: queries.count, keys: keys.count,
      size: shape.size, scale: shape.scale,
      context: context.map { $0 + queries.lowerBound * shape.width + head * shape.size },
      context_stride: context == nil ? 0 : shape.width)
  }
}

extension kernel_attention_training {
  /// For dropout every query and head is a row of its own.
  init(_ operands: AttentionOperands, _ segment: AttentionSegment, head: Int) {
    let heads = operands.shape.count
    self.init(
      causal: operands.causal, dropout: operands.dropout.kernel,
      first_row: segment.queries.lowerBound * heads + head, row_stride: heads)
  }
}
