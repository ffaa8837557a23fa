internal import BLIP
internal import Tensors

extension ImageEncoder {
  /// The backward pass, but for the projection: adds to the gradient.
  /// - Parameters:
  ///   - dFeatures: `[pictures · (1 + P), width]`
  ///   - pictures: What the encoder was given.
  func backward(
    _ dFeatures: Matrix, of pictures: FeatureMap, _ activations: Activations,
    into gradient: inout ImageEncoder
  ) {
    precondition(activations.blocks.count == blocks.count, "activations that were not saved")
    var d = Matrix()
    norm.backward(dFeatures, of: activations.output, into: &gradient.norm, dx: &d)
    for index in blocks.indices.reversed() {
      blocks[index].backward(&d, activations.blocks[index], into: &gradient.blocks[index])
    }
    let rows = 0..<d.rows
    let classRows = rows.filter { $0 % tokens == 0 }
    addRows(d, at: rows.map { $0 % tokens }, to: &gradient.positionEmbedding)
    addRows(d.rows(classRows), at: classRows.map { _ in 0 }, to: &gradient.classEmbedding)
    let dPatches = d.rows(rows.filter { $0 % tokens != 0 })
    let patches = patchEmbeddingInput(of: pictures, activations)
    guard let stem else {
      return patchEmbedding.product.backward(
        dPatches, of: patches, into: &gradient.patchEmbedding.product)
    }
    var dStem = Matrix()
    patchEmbedding.product.backward(
      dPatches, of: patches, into: &gradient.patchEmbedding.product, dx: &dStem)
    stem.backward(dStem, of: pictures, activations.stem, into: &gradient.stem!)
  }
}

extension VisionBlock {
  /// The backward pass: d, the gradient of `activations.output` `[n, width]`, becomes that of x.
  func backward(
    _ d: inout Matrix, _ activations: Activations, into gradient: inout VisionBlock
  ) {
    let x = activations.input
    var (dInner, dNormed, dContext) = (Matrix(), Matrix(), Matrix())
    fc2.backward(d, of: activations.activated, into: &gradient.fc2, dx: &dInner)
    geluBackward(&dInner, of: activations.inner)
    fc1.backward(dInner, of: activations.normed2, into: &gradient.fc1, dx: &dNormed)
    norm2.backward(
      dNormed, of: activations.attended, into: &gradient.norm2, dx: &d, accumulating: true)

    projection.backward(d, of: activations.context, into: &gradient.projection, dx: &dContext)
    var dQKV = Matrix(rows: x.rows, columns: 3 * heads.width)
    attendBackward(
      dContext, of: activations.qkv, heads, activations.segments, gradient: &dQKV)
    qkv.backward(dQKV, of: activations.normed1, into: &gradient.qkv, dx: &dNormed)
    norm1.backward(dNormed, of: x, into: &gradient.norm1, dx: &d, accumulating: true)
  }
}
