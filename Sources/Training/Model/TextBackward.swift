internal import BLIP
internal import Tensors

extension BERTAttention {
  /// The way back from the output to x and to keys and values.
  /// - Parameters:
  ///   - dy: The gradient of `activations.output`.
  ///   - x: `[query rows, width]`, and keys, values, segments, `causal` and `dropout` as they were
  ///     given on the way there.
  ///   - dx: Becomes the gradient of x.
  ///   - dKeys: That of the keys is added, as to `dValues` that of the values.
  func backward(
    _ dy: Matrix, of x: Matrix, keys: Matrix, values: Matrix, _ activations: Activations,
    _ segments: [AttentionSegment], causal: Bool, dropout: AttentionDropout?,
    into gradient: inout BERTAttention, dx: inout Matrix, dKeys: inout Matrix,
    dValues: inout Matrix
  ) {
    norm.backward(dy, of: activations.sum, into: &gradient.norm, dx: &dx)
    var dContext = Matrix()
    dense.backward(
      dx, dropping: dropout?.output, of: activations.context, into: &gradient.dense, dx: &dContext)
    var dQuery = Matrix(rows: x.rows, columns: heads.width)
    attendBackward(
      dContext, queries: Heads(activations.query), keys: Heads(keys), values: Heads(values), heads,
      segments, causal: causal, dropout: dropout?.probabilities, dQueries: &dQuery, dKeys: &dKeys,
      dValues: &dValues)
    query.backward(dQuery, of: x, into: &gradient.query, dx: &dx, accumulating: true)
  }

  /// The way back from keys and values to what they were projected from: added to dx.
  func backward(
    dKeys: Matrix, dValues: Matrix, of context: Matrix, into gradient: inout BERTAttention,
    dx: inout Matrix
  ) {
    key.backward(dKeys, of: context, into: &gradient.key, dx: &dx, accumulating: true)
    value.backward(dValues, of: context, into: &gradient.value, dx: &dx, accumulating: true)
  }
}

extension FeedForward {
  /// The way back: d, the gradient of `activations.output`, becomes that of x.
  func backward(
    _ d: inout Matrix, of x: Matrix, _ activations: Activations, dropout: Dropout?,
    into gradient: inout FeedForward
  ) {
    var (dSum, dInner) = (Matrix(), Matrix())
    norm.backward(d, of: activations.sum, into: &gradient.norm, dx: &dSum)
    dense.backward(
      dSum, dropping: dropout, of: activations.activated, into: &gradient.dense, dx: &dInner)
    geluBackward(&dInner, of: activations.inner)
    intermediate.backward(
      dInner, of: x, into: &gradient.intermediate, dx: &dSum, accumulating: true)
    d = dSum
  }
}

extension LanguageModelTransform {
  /// The way back: d, the gradient of `activations.output`, becomes that of x.
  func backward(
    _ d: inout Matrix, of x: Matrix, _ activations: Activations,
    into gradient: inout LanguageModelTransform
  ) {
    var dInner = Matrix()
    norm.backward(d, of: activations.activated, into: &gradient.norm, dx: &dInner)
    geluBackward(&dInner, of: activations.inner)
    dense.backward(dInner, of: x, into: &gradient.dense, dx: &d)
  }
}

extension Linear {
  /// The way back through dropout and the layer.
  fileprivate func backward(
    _ dy: Matrix, dropping dropout: Dropout?, of x: Matrix, into gradient: inout Linear,
    dx: inout Matrix
  ) {
    var kept = dy
    if let dropout { drop(&kept, dropout) }
    backward(kept, of: x, into: &gradient, dx: &dx)
  }
}

/// Adds every row of dx to the row of a table that it was taken from.
func addRows(_ dx: Matrix, at rows: [Int], to table: inout [Float]) {
  // Moved into a matrix and out again.
  var matrix = Matrix(rows: table.count / dx.columns, columns: dx.columns, values: table)
  table = []
  addRows(dx, at: rows, to: &matrix)
  table = matrix.values
}
