internal import CKernels

/// Cross-attention that never projects the attended rows to keys and values, the same numbers by
/// another order of multiplication. With k = f·W_kᵀ + b_k and v = f·W_vᵀ + b_v for a row f,
///
///     q·k = (q·W_k)·f + q·b_k        and q·b_k is the same for every row: the softmax drops it
///     Σ pᵢ·vᵢ = (Σ pᵢ·fᵢ)·W_vᵀ + b_v   as the probabilities sum to 1
///
/// so the two matrices move to the side of the queries, which are few.
public struct FoldedAttention: Sendable {
  private let heads: HeadShape
  /// The width of a row that is attended to.
  private let d: Int
  /// W_k and W_v, `[width, D]`.
  private let keyWeight, valueWeight: [Float]
  private let valueBias: [Float]

  /// The attention of two loaded projections, D → width.
  public init(_ heads: HeadShape, key: Linear, value: Linear) {
    precondition(key.outputs == heads.width && value.outputs == heads.width)
    precondition(key.inputs == value.inputs)
    self.heads = heads
    d = key.inputs
    keyWeight = key.weight.floats
    valueWeight = value.weight.floats
    valueBias = value.bias
  }

  /// Room for what is computed on the way.
  public struct Activations: Sendable {
    /// q·W_k and then Σ p·f of every query row and head: `[query rows, heads · D]`.
    fileprivate var folded = Matrix()
    fileprivate var mixed = Matrix()
    fileprivate var probabilities: [Float] = []

    /// No memory yet.
    public init() {}
  }

  /// - Parameters:
  ///   - queries: `[query rows, width]`, projected.
  ///   - rows: `[rows, D]`, the rows that are attended to, not projected.
  ///   - context: Becomes `[query rows, width]`.
  public func callAsFunction(
    queries: Matrix, over rows: Matrix, _ segments: [AttentionSegment],
    _ activations: inout Activations, into context: inout Matrix
  ) {
    let asking = queries.rows
    let width = heads.width
    precondition(queries.columns == width && rows.columns == d)
    activations.folded.reshape(rows: asking, columns: heads.count * d)
    activations.mixed.reshape(rows: asking, columns: heads.count * d)
    context.reshape(rows: asking, columns: width)

    queries.withPointer { q in
      keyWeight.withPointer(count: width * d) { w in
        activations.folded.withMutablePointer { folded in
          inParallel(rows: heads.count, operations: asking * width * d) {
            for head in $0 {
              multiply(
                rows: asking, columns: d, depth: heads.size, Block(q + head * heads.size, width),
                Block(w + head * heads.size * d, d), transposed: false,
                into: Block(folded + head * d, heads.count * d))
            }
          }
        }
      }
    }
    mix(rows, segments, &activations)
    activations.mixed.withPointer { mixed in
      valueWeight.withPointer(count: width * d) { w in
        valueBias.withPointer(count: width) { bias in
          context.withMutablePointer { context in
            for row in 0..<asking { (context + row * width).update(from: bias, count: width) }
            inParallel(rows: heads.count, operations: asking * width * d) {
              for head in $0 {
                multiply(
                  rows: asking, columns: heads.size, depth: d,
                  Block(mixed + head * d, heads.count * d), Block(w + head * heads.size * d, d),
                  transposed: true, into: Block(context + head * heads.size, width),
                  accumulating: true)
              }
            }
          }
        }
      }
    }
  }

  /// mixed = softmax(folded · rowsᵀ) · rows, segment by segment, all heads of a segment at once.
  private func mix(
    _ rows: Matrix, _ segments: [AttentionSegment], _ activations: inout Activations
  ) {
    let sizes = segments.map { $0.queries.count * $0.keys.count * heads.count }
    let starts = sizes.indices.map { sizes[..<$0].reduce(0, +) }
    let count = sizes.reduce(0, +)
    activations.probabilities.resize(to: count)
    for segment in segments {
      precondition(segment.queries.lowerBound >= 0)
      precondition(segment.queries.upperBound <= activations.folded.rows)
      precondition(segment.keys.lowerBound >= 0 && segment.keys.upperBound <= rows.rows)
      precondition(!segment.keys.isEmpty, "a query needs a row to attend to")
    }
    rows.withPointer { rows in
      activations.folded.withPointer { folded in
        activations.mixed.withMutablePointer { mixed in
          activations.probabilities.withMutablePointer(count: count) { probabilities in
            inParallel(rows: segments.count, operations: 2 * count * d) {
              for index in $0 {
                let (queries, keys) = (segments[index].queries, segments[index].keys)
                let start = queries.lowerBound * heads.count * d
                let scores = probabilities + starts[index]
                let (asking, asked) = (queries.count * heads.count, keys.count)
                let attended = Block(rows + keys.lowerBound * d, d)
                multiply(
                  rows: asking, columns: asked, depth: d, Block(folded + start, d), attended,
                  transposed: true, into: Block(scores, asked))
                kernel_softmax(scores, asking, asked, heads.scale)
                multiply(
                  rows: asking, columns: d, depth: asked, Block(UnsafePointer(scores), asked),
                  attended, transposed: false, into: Block(mixed + start, d))
              }
            }
          }
        }
      }
    }
  }
}
