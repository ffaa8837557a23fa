internal import Checkpoints
package import Tensors

/// A post-norm attention of the text side: `norm(x + dense(attention(x, context)))`, where the context
/// is the text itself (self-attention) or a picture's patch features (cross-attention).
package struct BERTAttention: Sendable {
  package let heads: HeadShape
  package var query, key, value, dense: Linear
  package var norm: LayerNorm
  /// The folded order, once `prepareFolding` has made it.
  private(set) var folded: FoldedAttention?

  /// - Parameter contextWidth: Of a row that is attended to; nil for self-attention.
  init(_ configuration: TextConfiguration, contextWidth: Int? = nil) {
    let width = configuration.hiddenSize
    heads = HeadShape(count: configuration.heads, width: width)
    query = Linear(inputs: width, outputs: width)
    key = Linear(inputs: contextWidth ?? width, outputs: width)
    value = key
    dense = query
    norm = LayerNorm(width: width, epsilon: configuration.layerNormEpsilon)
  }

  package mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    try query.forEachParameter("\(path).self.query", &visitor)
    try key.forEachParameter("\(path).self.key", &visitor)
    try value.forEachParameter("\(path).self.value", &visitor)
    try dense.forEachParameter("\(path).output.dense", &visitor)
    try norm.forEachParameter("\(path).output.LayerNorm", &visitor)
  }

  /// Prepares the folded order, once loaded: of use only where the context is not x.
  mutating func prepareFolding() {
    folded = FoldedAttention(heads, key: key, value: value)
  }

  /// Whether all products may round: see `attend`.
  private var rounds: Bool { query.weight.roundsFactors }

  /// The two orders of multiplication that give the same attention.
  enum Order { case projected, folded }

  /// What is attended to, ready for any number of queries.
  package enum Context: Sendable {
    /// Keys and values, `[rows, width]` each, as they were projected: what dropout, causality and a
    /// backward pass need.
    case unpacked(keys: Matrix, values: Matrix)
    /// Keys and values, reordered for the kernels.
    case packed(PackedHeads)
    /// Rows that are not projected, and the attention that folds its projections into the queries.
    case folded(PackedHeads, FoldedAttention)
  }

  /// What the attention computes in between, `[rows, …]` each.
  package struct Activations: Sendable {
    /// What it was given; saved for a backward pass.
    package var input = Matrix()
    package var segments: [AttentionSegment] = []
    package var isCausal = false
    package var dropout: AttentionDropout?
    /// Of an unpacked context. Self-attention projects its own rows into them.
    package var keys = Matrix()
    package var values = Matrix()
    package var query = Matrix()
    fileprivate var folding = FoldedAttention.Activations()
    package var context = Matrix()
    package var sum = Matrix()
    package var output = Matrix()

    /// No memory yet.
    package init() {}
  }

  /// - Parameters:
  ///   - x: `[query rows, width]`
  ///   - segments: Which rows of x attend to which rows of the context.
  ///   - causal: Whether a query attends to no key after its own.
  ///   - dropout: In training.
  ///   - savingActivations: Whether a backward pass will need the activations.
  ///   - activations: `output` becomes `[query rows, width]`.
  package func callAsFunction(
    _ x: Matrix, over context: Context, _ segments: [AttentionSegment], causal: Bool = false,
    dropout: AttentionDropout? = nil, savingActivations: Bool = false,
    _ activations: inout Activations
  ) {
    if savingActivations {
      (activations.input, activations.segments) = (x, segments)
      (activations.isCausal, activations.dropout) = (causal, dropout)
    }
    query(x, into: &activations.query)
    switch context {
    case .unpacked(let keys, let values):
      if savingActivations { (activations.keys, activations.values) = (keys, values) }
      attend(
        AttentionOperands(
          queries: Heads(activations.query), keys: Heads(keys), values: Heads(values), heads,
          segments, causal: causal, dropout: dropout?.probabilities), rounding: rounds,
        into: &activations.context)
    case .packed(let heads):
      precondition(!causal && dropout == nil && !savingActivations)
      attend(
        queries: Heads(activations.query), over: heads, segments, into: &activations.context)
    case .folded(let rows, let folded):
      precondition(!causal && dropout == nil && !savingActivations)
      folded(
        queries: activations.query, over: rows, segments, &activations.folding,
        into: &activations.context)
    }
    dense(activations.context, plus: x, dropping: dropout?.output, into: &activations.sum)
    norm(activations.sum, into: &activations.output)
  }

  /// The keys and values of rows, `[rows, width]` each.
  package func project(_ context: Matrix, keys: inout Matrix, values: inout Matrix) {
    key(context, into: &keys)
    value(context, into: &values)
  }

  /// The keys and values of a context, reordered for the kernels.
  /// - Parameter parts: The rows of context that are attended to together.
  func packed(_ context: Matrix, parts: [Range<Int>]) -> PackedHeads {
    var (keys, values) = (Matrix(), Matrix())
    project(context, keys: &keys, values: &values)
    return PackedHeads(
      keys: Heads(keys), values: Heads(values), heads, parts: parts, rounding: rounds)
  }

  /// The order that takes fewer multiplications, of those that the attention is ready for. Only what
  /// the two do not share is counted. Integers take about two fifths of the time; folding computes in
  /// floats.
  /// - Parameters:
  ///   - queries: Number of query rows.
  ///   - pairs: Number of pairs of a query row and a row of the context that it attends to.
  func cheaperOrder(queries: Int, pairs: Int, over context: Matrix) -> Order {
    guard folded != nil else { return .projected }
    let width = heads.width
    let projection = 2 * context.rows * context.columns * width
    let inFloats = key.weight.format == .integers ? projection * 2 / 5 : projection
    let projected = inFloats + 2 * pairs * width
    let folded = 2 * queries * context.columns * width + 2 * pairs * heads.count * context.columns
    return folded < projected ? .folded : .projected
  }
}

/// An attention's dropout in training: of its probabilities, and of what it adds to its input.
package struct AttentionDropout: Sendable {
  package var probabilities, output: Dropout

  package init(probabilities: Dropout, output: Dropout) {
    self.probabilities = probabilities
    self.output = output
  }
}
