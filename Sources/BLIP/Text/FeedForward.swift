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

  /// What is computed in between, `[n, …]` each.
  package struct Activations: Sendable {
    /// What the layer was given, the GELU's input, and the dropout; saved for a backward pass.
    package var input = Matrix()
    package var inner = Matrix()
    package var dropout: Dropout?
    package var activated = Matrix()
    package var sum = Matrix()
    package var output = Matrix()

    /// No memory yet.
    package init() {}
  }

  /// x: `[n, width]`; leaves `[n, width]` in `activations.output`.
  /// - Parameters:
  ///   - dropout: Of the second layer's output, in training.
  ///   - savingActivations: Whether a backward pass will need the activations.
  package func callAsFunction(
    _ x: Matrix, dropout: Dropout? = nil, savingActivations: Bool = false,
    _ activations: inout Activations
  ) {
    if savingActivations { (activations.input, activations.dropout) = (x, dropout) }
    intermediate.activated(
      x, savingInput: savingActivations, inner: &activations.inner, into: &activations.activated)
    dense(activations.activated, plus: x, dropping: dropout, into: &activations.sum)
    norm(activations.sum, into: &activations.output)
  }
}

extension Linear {
  /// gelu(x·Wᵀ + b), in one sweep unless the GELU's input has to be saved.
  func activated(_ x: Matrix, savingInput: Bool, inner: inout Matrix, into y: inout Matrix) {
    guard savingInput else { return self(x, then: .gelu, into: &y) }
    self(x, into: &inner)
    gelu(inner, into: &y)
  }

  /// The layer's output, after dropout, plus the addend.
  func callAsFunction(
    _ x: Matrix, plus addend: Matrix, dropping dropout: Dropout?, into y: inout Matrix
  ) {
    guard let dropout else { return self(x, plus: addend, into: &y) }
    self(x, into: &y)
    drop(&y, dropout)
    add(addend.values, to: &y)
  }
}
