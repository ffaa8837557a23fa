internal import CKernels

/// The gradients of `attend`, given its operands and the gradient of the context. Probabilities are
/// computed again, a few queries at a time. Segments may share keys.
/// - Parameters:
///   - dContext: `[query rows, width]`
///   - dQueries: `[query rows, width]`, added to.
///   - dKeys: `[key rows, width]`, added to, as is `dValues`.
public func attendBackward(
  _ dContext: Matrix, of operands: AttentionOperands, dQueries: inout Matrix,
  dKeys: inout Matrix, dValues: inout Matrix
) {
  let width = operands.shape.width
  precondition(dQueries.rows == operands.queries.matrix.rows && dQueries.columns == width)
  precondition(dKeys.rows == operands.keys.matrix.rows && dKeys.columns == width)
  precondition(dValues.rows == operands.keys.matrix.rows && dValues.columns == width)
  dQueries.withMutablePointer { dq in
    dKeys.withMutablePointer { dk in
      dValues.withMutablePointer { dv in
        attendBackward(
          dContext, of: operands, into: AttentionGradient(q: dq, k: dk, v: dv, stride: width))
      }
    }
  }
}

/// The same for self-attention whose queries, keys and values lie side by side, `[rows, 3 · width]`,
/// in this order.
/// - Parameter gradient: `[rows, 3 · width]`, added to.
public func attendBackward(
  _ dContext: Matrix, of qkv: Matrix, _ shape: HeadShape, _ segments: [AttentionSegment],
  causal: Bool = false, dropout: Dropout? = nil, gradient: inout Matrix
) {
  let width = shape.width
  let operands = AttentionOperands(
    queries: Heads(qkv), keys: Heads(qkv, from: width), values: Heads(qkv, from: 2 * width),
    shape, segments, causal: causal, dropout: dropout)
  precondition(gradient.rows == qkv.rows && gradient.columns == 3 * width)
  gradient.withMutablePointer {
    attendBackward(
      dContext, of: operands,
      into: AttentionGradient(q: $0, k: $0 + width, v: $0 + 2 * width, stride: 3 * width))
  }
}

/// Where the gradients of queries, keys and values are added, and how far apart their rows are.
private struct AttentionGradient: @unchecked Sendable {
  let q, k, v: UnsafeMutablePointer<Float>
  let stride: Int
}

/// Divided among threads by heads, which share no number of any gradient. Segments of the same keys
/// follow each other, so that they find them, and their gradients, in the cache.
private func attendBackward(
  _ dContext: Matrix, of operands: AttentionOperands, into gradient: AttentionGradient
) {
  let shape = operands.shape
  precondition(
    dContext.rows == operands.queries.matrix.rows && dContext.columns == shape.width)
  let segments = operands.segments.inOrderOfKeys()
  dContext.withPointer { dContext in
    operands.withPointers { pointers in
      inParallel(rows: shape.count, operations: 5 * operands.scores * shape.width) { heads in
        withScratch(kernel_attention_training_scratch(operands.mostKeys, shape.size)) { scratch in
          for segment in segments {
            for head in heads {
              let (query, key) = (segment.queries.lowerBound, segment.keys.lowerBound)
              let (column, stride) = (head * shape.size, gradient.stride)
              kernel_attend_backward(
                kernel_attention(operands, pointers, segment, head: head),
                kernel_attention_training(operands, segment, head: head),
                kernel_attention_gradient(
                  d_context: dContext + query * shape.width + column,
                  d_context_stride: shape.width, dq: gradient.q + query * stride + column,
                  dk: gradient.k + key * stride + column, dv: gradient.v + key * stride + column,
                  dq_stride: stride, dk_stride: stride, dv_stride: stride), scratch)
            }
          }
        }
      }
    }
  }
}
