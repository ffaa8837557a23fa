package import Tensors

extension BERTAttention {
  /// The backward pass from the output to x and to keys and values.
  /// - Parameters:
  ///   - dy: The gradient of `activations.output`.
  ///   - gradient: Its layers are not loaded where only the gradients of x, keys and values are wanted.
  ///   - dx: Becomes the gradient of x.
  ///   - dKeys: The gradient of the keys is added, as that of the values is to `dValues`.
  package func backward(
    _ dy: Matrix, _ activations: Activations, into gradient: inout BERTAttention,
    dx: inout Matrix, dKeys: inout Matrix, dValues: inout Matrix
  ) {
    let dContext = backward(toContext: dy, activations, into: &gradient, dx: &dx)
    var dQuery = Matrix(rows: activations.input.rows, columns: heads.width)
    attendBackward(
      dContext, of: operands(activations), dQueries: &dQuery, dKeys: &dKeys, dValues: &dValues)
    query.backward(
      dQuery, of: activations.input, into: &gradient.query, dx: &dx, accumulating: true)
  }

  /// Its first half: dx becomes the gradient of x as the residual connection passes it.
  /// - Returns: The gradient of what the heads gave, `activations.context`: `[query rows, width]`.
  func backward(
    toContext dy: Matrix, _ activations: Activations, into gradient: inout BERTAttention,
    dx: inout Matrix
  ) -> Matrix {
    norm.backward(dy, of: activations.sum, into: &gradient.norm, dx: &dx)
    var dContext = Matrix()
    dense.backward(
      dx, dropping: activations.dropout?.output, of: activations.context, into: &gradient.dense,
      dx: &dContext)
    return dContext
  }

  /// What the heads attended with, saved by a forward pass over an unpacked context.
  func operands(_ activations: Activations) -> AttentionOperands {
    AttentionOperands(
      queries: Heads(activations.query), keys: Heads(activations.keys),
      values: Heads(activations.values), heads, activations.segments,
      causal: activations.isCausal, dropout: activations.dropout?.probabilities)
  }

  /// The backward pass from keys and values to what they were projected from: added to dx.
  package func backward(
    dKeys: Matrix, dValues: Matrix, of context: Matrix, into gradient: inout BERTAttention,
    dx: inout Matrix
  ) {
    key.backward(dKeys, of: context, into: &gradient.key, dx: &dx, accumulating: true)
    value.backward(dValues, of: context, into: &gradient.value, dx: &dx, accumulating: true)
  }

  /// The backward pass through a layer's self-attention: d, the gradient of its output, becomes that of
  /// the layer's input.
  package func backward(
    _ d: inout Matrix, _ layer: TextActivations.Layer, into gradient: inout BERTAttention
  ) {
    var dQueries = Matrix()
    var dKeys = Matrix(rows: layer.input.rows, columns: heads.width)
    var dValues = dKeys
    backward(
      d, layer.selfAttention, into: &gradient, dx: &dQueries, dKeys: &dKeys, dValues: &dValues)
    if let queryRows = layer.queryRows {
      d = Matrix(rows: layer.input.rows, columns: layer.input.columns)
      addRows(dQueries, at: queryRows, to: &d)
    } else {
      d = dQueries
    }
    backward(dKeys: dKeys, dValues: dValues, of: layer.input, into: &gradient, dx: &d)
  }
}

extension FeedForward {
  /// The backward pass: d, the gradient of `activations.output`, becomes that of x.
  /// - Parameter gradient: Its layers are not loaded where only the gradient of x is wanted.
  package func backward(
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
