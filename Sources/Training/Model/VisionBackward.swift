internal import BLIP
internal import Tensors

extension VisionBlock {
  /// The way back: d, the gradient of `activations.output` `[n, width]`, becomes that of x.
  func backward(
    _ d: inout Matrix, of x: Matrix, pictures: Int, _ activations: Activations,
    into gradient: inout VisionBlock
  ) {
    var (dInner, dNormed, dContext) = (Matrix(), Matrix(), Matrix())
    fc2.backward(d, of: activations.activated, into: &gradient.fc2, dx: &dInner)
    geluBackward(&dInner, of: activations.inner)
    fc1.backward(dInner, of: activations.normed2, into: &gradient.fc1, dx: &dNormed)
    norm2.backward(
      dNormed, of: activations.attended, into: &gradient.norm2, dx: &d, accumulating: true)

    projection.backward(d, of: activations.context, into: &gradient.projection, dx: &dContext)
    var dQKV = Matrix(rows: x.rows, columns: 3 * heads.width)
    attendBackward(
      dContext, of: activations.qkv, heads,
      Self.segments(rows: x.rows, pictures: pictures, onlyFirst: false), gradient: &dQKV)
    qkv.backward(dQKV, of: activations.normed1, into: &gradient.qkv, dx: &dNormed)
    norm1.backward(dNormed, of: x, into: &gradient.norm1, dx: &d, accumulating: true)
  }
}
