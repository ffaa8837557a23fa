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

  /// What a block computes in between, `[n, …]` each.
  package struct Activations: Sendable {
    /// What the block was given, and who attends to whom; saved for a backward pass.
    package var input = Matrix()
    package var segments: [AttentionSegment] = []
    package var normed1 = Matrix()
    package var qkv = Matrix()
    package var context = Matrix()
    package var attended = Matrix()
    package var normed2 = Matrix()
    /// The GELU's input, where it is saved.
    package var inner = Matrix()
    package var activated = Matrix()
    package var output = Matrix()

    /// No memory yet.
    package init() {}
  }

  /// - Parameters:
  ///   - x: `[n, width]`, the tokens of all pictures, concatenated.
  ///   - pictures: Number of pictures; each attends to itself only.
  ///   - classTokenOnly: Whether only the first token's output of each picture is wanted.
  ///   - savingActivations: Whether a backward pass will need the activations.
  ///   - activations: `output` becomes `[n, width]`, or `[pictures, width]`.
  package func callAsFunction(
    _ x: Matrix, pictures: Int = 1, classTokenOnly: Bool = false, savingActivations: Bool = false,
    _ activations: inout Activations
  ) {
    let width = heads.width
    let segments = segments(rows: x.rows, pictures: pictures, classTokenOnly: classTokenOnly)
    if savingActivations { (activations.input, activations.segments) = (x, segments) }
    let classRows = segments.map(\.keys.lowerBound)
    norm1(x, into: &activations.normed1)
    qkv(activations.normed1, into: &activations.qkv)
    attend(
      AttentionOperands(
        queries: Heads(classTokenOnly ? activations.qkv.rows(classRows) : activations.qkv),
        keys: Heads(activations.qkv, from: width), values: Heads(activations.qkv, from: 2 * width),
        heads, segments), rounding: qkv.weight.roundsFactors, into: &activations.context)
    projection(
      activations.context, plus: classTokenOnly ? x.rows(classRows) : x,
      into: &activations.attended)
    norm2(activations.attended, into: &activations.normed2)
    fc1.activated(
      activations.normed2, savingInput: savingActivations, inner: &activations.inner,
      into: &activations.activated)
    fc2(activations.activated, plus: activations.attended, into: &activations.output)
  }

  /// The tokens that attend to each other: those of one picture.
  private func segments(rows: Int, pictures: Int, classTokenOnly: Bool) -> [AttentionSegment] {
    precondition(pictures > 0 && rows % pictures == 0, "\(rows) rows of \(pictures) pictures")
    let tokens = rows / pictures
    return (0..<pictures).map { picture in
      let keys = picture * tokens..<(picture + 1) * tokens
      return AttentionSegment(
        queries: classTokenOnly ? picture..<picture + 1 : keys, keys: keys)
    }
  }
}
