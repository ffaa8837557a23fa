internal import BLIP
internal import Tensors

extension BERTAttention {
  /// The backward pass from the output to x and to keys and values.
  /// - Parameters:
  ///   - dy: The gradient of `activations.output`.
  ///   - dx: Becomes the gradient of x.
  ///   - dKeys: The gradient of the keys is added, as that of the values is to `dValues`.
  func backward(
    _ dy: Matrix, _ activations: Activations, into gradient: inout BERTAttention,
    dx: inout Matrix, dKeys: inout Matrix, dValues: inout Matrix
  ) {
    let dropout = activations.dropout
    norm.backward(dy, of: activations.sum, into: &gradient.norm, dx: &dx)
    var dContext = Matrix()
    dense.backward(
      dx, dropping: dropout?.output, of: activations.context, into: &gradient.dense, dx: &dContext)
    var dQuery = Matrix(rows: activations.input.rows, columns: heads.width)
    attendBackward(
      dContext,
      of: AttentionOperands(
        queries: Heads(activations.query), keys: Heads(activations.keys),
        values: Heads(activations.values), heads, activations.segments,
        causal: activations.isCausal, dropout: dropout?.probabilities), dQueries: &dQuery,
      dKeys: &dKeys, dValues: &dValues)
    query.backward(
      dQuery, of: activations.input, into: &gradient.query, dx: &dx, accumulating: true)
  }

  /// The backward pass from keys and values to what they were projected from: added to dx.
  func backward(
    dKeys: Matrix, dValues: Matrix, of context: Matrix, into gradient: inout BERTAttention,
    dx: inout Matrix
  ) {
    key.backward(dKeys, of: context, into: &gradient.key, dx: &dx, accumulating: true)
    value.backward(dValues, of: context, into: &gradient.value, dx: &dx, accumulating: true)
  }
}

extension FeedForward {
  /// The backward pass: d, the gradient of `activations.output`, becomes that of x.
  func backward(
    _ d: inout Matrix, _ activations: Activations, into gradient: inout FeedForward
  ) {
    var (dSum, dInner) = (Matrix(), Matrix())
    norm.backward(d, of: activations.sum, into: &gradient.norm, dx: &dSum)
    dense.backward(
      dSum, dropping: activations.dropout, of: activations.activated, into: &gradient.dense,
      dx: &dInner)
    geluBackward(&dInner, of: activations.inner)
    intermediate.backward(
      dInner, of: activations.input, into: &gradient.intermediate, dx: &dSum, accumulating: true)
    d = dSum
  }
}

extension LanguageModelTransform {
  /// The backward pass: d, the gradient of `activations.output`, becomes that of x.
  func backward(
    _ d: inout Matrix, _ activations: Activations, into gradient: inout LanguageModelTransform
  ) {
    var dInner = Matrix()
    norm.backward(d, of: activations.activated, into: &gradient.norm, dx: &dInner)
    geluBackward(&dInner, of: activations.inner)
    dense.backward(dInner, of: activations.input, into: &gradient.dense, dx: &d)
  }
}

extension Linear {
  /// The backward pass through dropout and the layer.
  fileprivate func backward(
    _ dy: Matrix, dropping dropout: Dropout?, of x: Matrix, into gradient: inout Linear,
    dx: inout Matrix
  ) {
    var kept = dy
    if let dropout { drop(&kept, dropout) }
    backward(kept, of: x, into: &gradient, dx: &dx)
  }
}
