internal import Checkpoints
internal import Tensors

/// A pre-norm block of the ViT: `x += projection(attention(norm1(x)))`, `x += fc2(gelu(fc1(norm2(x))))`.
struct VisionBlock: Sendable {
  private let heads: HeadShape
  private var norm1, norm2: LayerNorm
  /// Queries, keys and values of all heads, in this order.
  private var qkv: Linear
  private var projection, fc1, fc2: Linear

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

  mutating func forEachParameter(
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
  struct Activations: Sendable {
    var normed1 = Matrix()
    var qkv = Matrix()
    var context = Matrix()
    var attended = Matrix()
    var normed2 = Matrix()
    var activated = Matrix()
    var output = Matrix()
  }

  /// x: `[n, width]`, the tokens of one picture; leaves `[n, width]` in `activations.output`, or
  /// `[1, width]`, the first token's, where no other is wanted.
  func callAsFunction(_ x: Matrix, onlyFirst: Bool = false, _ activations: inout Activations) {
    let width = heads.width
    let asking = onlyFirst ? 0..<1 : 0..<x.rows
    norm1(x, into: &activations.normed1)
    qkv(activations.normed1, into: &activations.qkv)
    attend(
      queries: Heads(onlyFirst ? activations.qkv.rows(asking) : activations.qkv),
      keys: Heads(activations.qkv, from: width), values: Heads(activations.qkv, from: 2 * width),
      heads, [AttentionSegment(queries: asking, keys: 0..<x.rows)], into: &activations.context)
    projection(
      activations.context, plus: onlyFirst ? x.rows(asking) : x, into: &activations.attended)
    norm2(activations.attended, into: &activations.normed2)
    fc1(activations.normed2, then: .gelu, into: &activations.activated)
    fc2(activations.activated, plus: activations.attended, into: &activations.output)
  }
}
