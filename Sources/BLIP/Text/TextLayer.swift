internal import Checkpoints
package import Tensors

/// The post-norm feed-forward of the text side: `norm(x + dense(gelu(intermediate(x))))`.
package struct FeedForward: Sendable {
  package var intermediate, dense: Linear
  package var norm: LayerNorm

  init(_ configuration: TextConfiguration) {
    let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    intermediate = Linear(inputs: width, outputs: inner)
    dense = Linear(inputs: inner, outputs: width)
    norm = LayerNorm(width: width, epsilon: configuration.layerNormEpsilon)
  }

  package mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    try intermediate.forEachParameter("\(path).intermediate.dense", &visitor)
    try dense.forEachParameter("\(path).output.dense", &visitor)
    try norm.forEachParameter("\(path).output.LayerNorm", &visitor)
  }

  /// What is computed on the way, `[n, …]` each.
  package struct Activations: Sendable {
    /// What the GELU was given, where it is kept.
    package var inner = Matrix()
    package var activated = Matrix()
    package var sum = Matrix()
    package var output = Matrix()

    /// No memory yet.
    package init() {}
  }

  /// x: `[n, width]`; leaves `[n, width]` in `activations.output`.
  /// - Parameters:
  ///   - keeping: Whether a backward pass will want all of the activations.
  ///   - dropout: What is left out of the second layer's output in training.
  package func callAsFunction(
    _ x: Matrix, keeping: Bool = false, dropout: Dropout? = nil, _ activations: inout Activations
  ) {
    intermediate.activated(
      x, keeping: keeping, inner: &activations.inner, into: &activations.activated)
    dense(activations.activated, plus: x, dropping: dropout, into: &activations.sum)
    norm(activations.sum, into: &activations.output)
  }
}

/// A layer of the text encoder without its cross-attention.
package struct TextLayer: Sendable {
  package var attention: BERTAttention
  package var feedForward: FeedForward

  init(_ configuration: TextConfiguration) {
    attention = BERTAttention(
      width: configuration.hiddenSize, contextWidth: configuration.hiddenSize,
      heads: configuration.heads, epsilon: configuration.layerNormEpsilon)
    feedForward = FeedForward(configuration)
  }

  package mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    try attention.forEachParameter("\(path).attention", &visitor)
    try feedForward.forEachParameter(path, &visitor)
  }
}

extension Linear {
  /// gelu(x·Wᵀ + b), in one sweep unless what the GELU is given has to be kept.
  func activated(_ x: Matrix, keeping: Bool, inner: inout Matrix, into y: inout Matrix) {
    guard keeping else { return self(x, then: .gelu, into: &y) }
    self(x, into: &inner)
    gelu(inner, into: &y)
  }
}
