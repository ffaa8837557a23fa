internal import Checkpoints
package import Tensors

/// A pre-norm block of the ViT: `x += projection(attention(norm1(x)))`, `x += fc2(gelu(fc1(norm2(x))))`.
package struct VisionBlock: Sendable {
  package let heads: HeadShape
  package var norm1, norm2: LayerNorm
  /// Queries, keys and values of all heads, in this order.
  package var qkv: Linear
  package var projection, fc1, fc2: Linear

  init(_ configuration: VisionConfiguration) {
    let width = configuration.hiddenSize
    heads = HeadShape(count: configuration.heads, width: width)
    norm1 = LayerNorm(width: width, epsilon: configuration.layerNormEpsilon)
    norm2 = norm1
    qkv = Linear(inputs: width, outputs: 3 * width)
    projection = Linear(inputs: width, outputs: width)
    fc1 = Linear(inputs: width, outputs: configuration.intermediateSize)
    fc2 = Linear(inputs: configuration.intermediateSize, outputs: width)
  }

  package mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    try norm1.forEachParameter("\(path).layer_norm1", &visitor)
    try qkv.forEachParameter("\(path).self_attn.qkv", &visitor)
    try projection.forEachParameter("\(path).self_attn.projection", &visitor)
    try norm2.forEachParameter("\(path).layer_norm2", &visitor)
    try fc1.forEachParameter("\(path).mlp.fc1", &visitor)
    try fc2.forEachParameter("\(path).mlp.fc2", &visitor)
  }

  /// What a block computes on the way, `[n, …]` each.
  package struct Activations: Sendable {
    package var normed1 = Matrix()
    package var qkv = Matrix()
    package var context = Matrix()
    package var attended = Matrix()
    package var normed2 = Matrix()
    /// What the GELU was given, where it is kept.
    package var inner = Matrix()
    package var activated = Matrix()
    package var output = Matrix()

    /// No memory yet.
    package init() {}
  }

  /// - Parameters:
  ///   - x: `[n, width]`, the tokens of the pictures one behind the other.
  ///   - pictures: How many there are; each attends to itself only.
  ///   - onlyFirst: Whether no more is wanted than the first token of each.
  ///   - keeping: Whether a backward pass will want all of the activations.
  ///   - activations: `output` becomes `[n, width]`, or `[pictures, width]`.
  package func callAsFunction(
    _ x: Matrix, pictures: Int = 1, onlyFirst: Bool = false, keeping: Bool = false,
    _ activations: inout Activations
  ) {
    let width = heads.width
    let segments = Self.segments(rows: x.rows, pictures: pictures, onlyFirst: onlyFirst)
    let firsts = segments.map(\.keys.lowerBound)
    norm1(x, into: &activations.normed1)
    qkv(activations.normed1, into: &activations.qkv)
    attend(
      queries: Heads(onlyFirst ? activations.qkv.rows(firsts) : activations.qkv),
      keys: Heads(activations.qkv, from: width), values: Heads(activations.qkv, from: 2 * width),
      heads, segments, rounding: qkv.weight.roundsFactors, into: &activations.context)
    projection(
      activations.context, plus: onlyFirst ? x.rows(firsts) : x, into: &activations.attended)
    norm2(activations.attended, into: &activations.normed2)
    fc1.activated(
      activations.normed2, keeping: keeping, inner: &activations.inner,
      into: &activations.activated)
    fc2(activations.activated, plus: activations.attended, into: &activations.output)
  }

  /// Which rows ask which.
  package static func segments(rows: Int, pictures: Int, onlyFirst: Bool) -> [AttentionSegment] {
    precondition(pictures > 0 && rows % pictures == 0, "\(rows) rows of \(pictures) pictures")
    let tokens = rows / pictures
    return (0..<pictures).map { picture in
      let keys = picture * tokens..<(picture + 1) * tokens
      return AttentionSegment(queries: onlyFirst ? picture..<picture + 1 : keys, keys: keys)
    }
  }
}
