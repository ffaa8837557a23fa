internal import Checkpoints
internal import Tensors

/// The post-norm feed-forward of the text side: `norm(x + dense(gelu(intermediate(x))))`.
struct FeedForward: Sendable {
  private var intermediate, dense: Linear
  private var norm: LayerNorm

  init(_ configuration: TextConfiguration) {
    let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    intermediate = Linear(inputs: width, outputs: inner)
    dense = Linear(inputs: inner, outputs: width)
    norm = LayerNorm(width: width, epsilon: configuration.layerNormEpsilon)
  }

  mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    try intermediate.forEachParameter("\(path).intermediate.dense", &visitor)
    try dense.forEachParameter("\(path).output.dense", &visitor)
    try norm.forEachParameter("\(path).output.LayerNorm", &visitor)
  }

  /// What is computed on the way, `[n, …]` each.
  struct Activations: Sendable {
    var activated = Matrix()
    var sum = Matrix()
    var output = Matrix()
  }

  /// x: `[n, width]`; leaves `[n, width]` in `activations.output`.
  func callAsFunction(_ x: Matrix, _ activations: inout Activations) {
    intermediate(x, then: .gelu, into: &activations.activated)
    dense(activations.activated, plus: x, into: &activations.sum)
    norm(activations.sum, into: &activations.output)
  }
}

/// A layer of the text encoder without its cross-attention.
struct TextLayer: Sendable {
  var attention: BERTAttention
  var feedForward: FeedForward

  init(_ configuration: TextConfiguration) {
    attention = BERTAttention(
      width: configuration.hiddenSize, contextWidth: configuration.hiddenSize,
      heads: configuration.heads, epsilon: configuration.layerNormEpsilon)
    feedForward = FeedForward(configuration)
  }

  mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    try attention.forEachParameter("\(path).attention", &visitor)
    try feedForward.forEachParameter(path, &visitor)
  }
}
