internal import CKernels

/// The gradients of `attend`, given what it was given and the gradient of the context. Probabilities
/// are computed again, a few queries at a time. Segments may share keys.
/// - Parameters:
///   - dContext: `[query rows, width]`
///   - dQueries: `[query rows, width]`, added to.
///   - dKeys: `[key rows, width]`, added to, and `dValues` too.
public func attendBackward(
  _ dContext: Matrix, queries: Heads, keys: Heads, values: Heads, _ shape: HeadShape,
  _ segments: [AttentionSegment], causal: Bool = false, dropout: Dropout? = nil,
  dQueries: inout Matrix, dKeys: inout Matrix, dValues: inout Matrix
) {
  check(queries: queries, keys: keys, values: values, shape, segments, causal: causal)
  precondition(dQueries.rows == queries.matrix.rows && dQueries.columns == shape.width)
  precondition(dKeys.rows == keys.matrix.rows && dKeys.columns == shape.width)
  precondition(dValues.rows == keys.matrix.rows && dValues.columns == shape.width)
  dQueries.withMutablePointer { dq in
    dKeys.withMutablePointer { dk in
      dValues.withMutablePointer { dv in
        attendBackward(
          dContext, queries, keys, values, shape, segments, causal, dropout,
          dq, dk, dv, stride: shape.width)
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
  let (queries, keys, values) = (
    Heads(qkv), Heads(qkv, from: width), Heads(qkv, from: 2 * width)
  )
  check(queries: queries, keys: keys, values: values, shape, segments, causal: causal)
  precondition(gradient.rows == qkv.rows && gradient.columns == 3 * width)
  gradient.withMutablePointer {
    attendBackward(
      dContext, queries, keys, values, shape, segments, causal, dropout,
      $0, $0 + width, $0 + 2 * width, stride: 3 * width)
  }
}

/// Divided among threads by heads, which share no number of any gradient. Segments of the same keys
/// follow each other, so that they find them, and their gradients, in the cache.
private func attendBackward(
  _ dContext: Matrix, _ queries: Heads, _ keys: Heads, _ values: Heads, _ shape: HeadShape,
  _ segments: [AttentionSegment], _ causal: Bool, _ dropout: Dropout?,
  _ dq: UnsafeMutablePointer<Float>, _ dk: UnsafeMutablePointer<Float>,
  _ dv: UnsafeMutablePointer<Float>, stride: Int
) {
  precondition(dContext.rows == queries.matrix.rows && dContext.columns == shape.width)
  let scores = segments.reduce(0) { $0 + $1.queries.count * $1.keys.count }
  let longest = segments.map(\.keys.count).max() ?? 0
  let dropout = dropout.kernel
  let ordered = segments.inOrderOfKeys()
  dContext.withPointer { dContext in
    queries.matrix.withPointer { q in
      keys.matrix.withPointer { k in
        values.matrix.withPointer { v in
          inParallel(rows: shape.count, operations: 5 * scores * shape.width) { heads in
            withScratch(kernel_attention_training_scratch(longest, shape.size)) { scratch in
              for segment in ordered {
                for head in heads {
                  let (first, key) = (segment.queries.lowerBound, segment.keys.lowerBound)
                  let column = head * shape.size
                  kernel_attend_backward(
                    kernel_attention(queries, q, keys, k, values, v, shape, segment, head: head),
                    kernel_attention_training(causal, dropout, shape, segment, head: head),
                    kernel_attention_gradient(
                      d_context: dContext + first * shape.width + column,
                      d_context_stride: shape.width, dq: dq + first * stride + column,
                      dk: dk + key * stride + column, dv: dv + key * stride + column,
                      dq_stride: stride, dk_stride: stride, dv_stride: stride), scratch)
                }
              }
            }
          }
        }
      }
    }
  }
}
