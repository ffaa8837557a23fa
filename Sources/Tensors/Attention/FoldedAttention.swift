internal import CKernels

/// Cross-attention that never projects the attended rows to keys and values: the same result by another
/// order of multiplication. With k = f·W_kᵀ + b_k and v = f·W_vᵀ + b_v for a row f,
///
///     q·k = (q·W_k)·f + q·b_k        and q·b_k is the same for every row: the softmax drops it
///     Σ pᵢ·vᵢ = (Σ pᵢ·fᵢ)·W_vᵀ + b_v   as the probabilities sum to 1
///
/// so the two matrices are multiplied with the queries, which are few.
public struct FoldedAttention: Sendable {
  private let heads: HeadShape
  /// The width of a row that is attended to.
  private let d: Int
  /// W_kᵀ and W_v of every head, `[D, head size]` and `[head size, D]`.
  private let keyWeights, valueWeights: [PackedMatrix]
  private let valueBias: [Float]
  private let rounds: Bool

  /// The attention of two loaded projections, D → width.
  public init(_ heads: HeadShape, key: Linear, value: Linear) {
    precondition(key.outputs == heads.width && value.outputs == heads.width)
    precondition(key.inputs == value.inputs)
    self.heads = heads
    let (d, size) = (key.inputs, heads.size)
    self.d = d
    rounds = key.weight.roundsFactors
    let format: PackedFormat = rounds ? .bfloat16 : .float32
    func weights(_ of: Linear, transposing: Bool) -> [PackedMatrix] {
      let floats = of.weight.floats
      return (0..<heads.count).map { head in
        let own = Array(floats[head * size * d..<(head + 1) * size * d])
        var weight = PackedMatrix(rows: transposing ? d : size, columns: transposing ? size : d)
        weight.load(floats: transposing ? transposed(own, rows: size, columns: d) : own, as: format)
        return weight
      }
    }
    keyWeights = weights(key, transposing: true)
    valueWeights = weights(value, transposing: false)
    valueBias = value.bias
  }

  /// The rows that are attended to, prepared for the folded attentions of any layer.
  /// - Parameters:
  ///   - rows: `[rows, D]`, not projected.
  ///   - parts: Those that are attended to together.
  public func pack(_ rows: Matrix, parts: [Range<Int>]) -> PackedHeads {
    precondition(rows.columns == d)
    return PackedHeads(
      keys: Heads(rows), values: Heads(rows), HeadShape(count: 1, width: d), parts: parts,
      rounding: rounds)
  }

  /// Buffers for intermediate results.
  public struct Activations: Sendable {
    /// q·W_k and Σ p·f of every query row and head: `[query rows · heads, D]`.
    fileprivate var folded = Matrix()
    fileprivate var mixed = Matrix()

    /// No memory yet.
    public init() {}
  }

  /// - Parameters:
  ///   - queries: `[query rows, width]`, projected.
  ///   - rows: The output of `pack` for the rows that are attended to.
  ///   - segments: Their keys are parts of these rows.
  ///   - context: Becomes `[query rows, width]`.
  public func callAsFunction(
    queries: Matrix, over rows: PackedHeads, _ segments: [AttentionSegment],
    _ activations: inout Activations, into context: inout Matrix
  ) {
    let queryRows = queries.rows
    let width = heads.width
    precondition(queries.columns == width && rows.shape.width == d)
    activations.folded.reshape(rows: queryRows * heads.count, columns: d)
    context.reshape(rows: queryRows, columns: width)

    queries.withPointer { q in
      activations.folded.withMutablePointer { folded in
        inParallel(rows: heads.count, operations: queryRows * width * d) {
          for head in $0 {
            keyWeights[head].multiply(
              Block(q + head * heads.size, width), rows: queryRows,
              into: Block(folded + head * d, heads.count * d))
          }
        }
      }
    }
    let perHead = segments.map {
      AttentionSegment(
        queries: $0.queries.lowerBound * heads.count..<$0.queries.upperBound * heads.count,
        keys: $0.keys)
    }
    attend(
      queries: Heads(activations.folded), over: rows, perHead, scale: heads.scale,
      into: &activations.mixed)
    activations.mixed.withPointer { mixed in
      valueBias.withPointer(count: width) { bias in
        context.withMutablePointer { context in
          inParallel(rows: heads.count, operations: queryRows * width * d) {
            for head in $0 {
              valueWeights[head].multiply(
                Block(mixed + head * d, heads.count * d), rows: queryRows,
                bias: bias + head * heads.size, into: Block(context + head * heads.size, width))
            }
          }
        }
      }
    }
  }
}
