/// The probabilities that a head of an attention computed in between, and the gradient that they got:
/// what Grad-CAM multiplies (Selvaraju et al., arXiv 1610.02391; for cross-attention ALBEF, arXiv
/// 2107.07651).
public struct AttentionMap: Sendable {
  /// softmax(q·kᵀ/√size) of a segment, `[queries, keys]`.
  public private(set) var probabilities: Matrix
  /// The gradient of the probabilities, `[queries, keys]`.
  public private(set) var gradient: Matrix

  /// Computes both again.
  /// - Parameters:
  ///   - operands: Of `attend`; neither causal nor with dropout.
  ///   - dContext: The gradient of what `attend` gave: `[query rows, width]`.
  ///   - segment: One of the operands' segments.
  ///   - head: From 0 on.
  public init(
    of operands: AttentionOperands, _ dContext: Matrix, segment: AttentionSegment, head: Int
  ) {
    let (shape, queries, keys) = (operands.shape, segment.queries, segment.keys)
    precondition(!operands.causal && operands.dropout == nil && operands.segments.contains(segment))
    precondition(
      dContext.rows == operands.queries.matrix.rows && dContext.columns == shape.width)
    precondition(head >= 0 && head < shape.count)
    var (scores, gradient) = (
      Matrix(rows: queries.count, columns: keys.count),
      Matrix(rows: queries.count, columns: keys.count)
    )
    let product = MatrixProduct(
      rows: queries.count, columns: keys.count, depth: shape.size, transposesB: true)
    operands.withPointers { pointers in
      let q = operands.queries.start(pointers.q, row: queries.lowerBound, head, shape)
      let k = operands.keys.start(pointers.k, row: keys.lowerBound, head, shape)
      let v = operands.values.start(pointers.v, row: keys.lowerBound, head, shape)
      scores.withMutablePointer {
        product(
          Block(q, operands.queries.matrix.columns), Block(k, operands.keys.matrix.columns),
          into: Block($0, keys.count))
      }
      dContext.withPointer { d in
        gradient.withMutablePointer {
          product(
            Block(d + queries.lowerBound * shape.width + head * shape.size, shape.width),
            Block(v, operands.values.matrix.columns), into: Block($0, keys.count))
        }
      }
    }
    softmax(&scores, scale: shape.scale)
    probabilities = scores
    self.gradient = gradient
  }
}
