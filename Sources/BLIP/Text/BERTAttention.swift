package import Tensors

/// A post-norm attention of the text side: `norm(x + dense(attention(x, context)))`, where context
/// is the text itself (self-attention) or a picture's patch features (cross-attention).
package struct BERTAttention: Sendable {
  package let heads: HeadShape
  package var query, key, value, dense: Linear
  package var norm: LayerNorm
  /// The folded order, once `prepareFolding` has made it.
  private(set) var folded: FoldedAttention?

  init(width: Int, contextWidth: Int, heads: Int, epsilon: Float) {
    self.heads = HeadShape(count: heads, width: width)
    query = Linear(inputs: width, outputs: width)
    key = Linear(inputs: contextWidth, outputs: width)
    value = key
    dense = query
    norm = LayerNorm(width: width, epsilon: epsilon)
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

  /// Gets ready for the folded order, once loaded: of use only where the context is not x.
  mutating func prepareFolding() {
    folded = FoldedAttention(heads, key: key, value: value)
  }

  /// Whether all products may round: see `attend`.
  private var rounds: Bool { query.weight.roundsFactors }

  /// The two orders of multiplication that give the same attention.
  enum Order { case projected, folded }

  /// Everything the attention computes on the way, `[rows, …]` each. Keys and values are
  /// left by the projected order only.
  package struct Activations: Sendable {
    package var query = Matrix()
    package var key = Matrix()
    package var value = Matrix()
    fileprivate var folding = FoldedAttention.Activations()
    package var context = Matrix()
    package var sum = Matrix()
    package var output = Matrix()

    /// No memory yet.
    package init() {}
  }

  /// - Parameters:
  ///   - x: `[query rows, width]`
  ///   - context: `[rows, context width]`
  ///   - segments: Which rows of x ask which rows of context.
  ///   - activations: `output` becomes `[query rows, width]`.
  func callAsFunction(
    _ x: Matrix, over context: Matrix, _ segments: [AttentionSegment],
    _ activations: inout Activations
  ) {
    project(context, keys: &activations.key, values: &activations.value)
    self(x, keys: activations.key, values: activations.value, segments, &activations)
  }

  /// What is attended to, ready for all queries to come, in either order.
  enum Context: Sendable {
    case projected(PackedHeads)
    case folded(PackedHeads, FoldedAttention)
  }

  /// The same over a context that is ready.
  func callAsFunction(
    _ x: Matrix, over context: Context, _ segments: [AttentionSegment],
    _ activations: inout Activations
  ) {
    query(x, into: &activations.query)
    switch context {
    case .projected(let heads):
      attend(
        queries: Heads(activations.query), over: heads, segments, into: &activations.context)
    case .folded(let rows, let folded):
      folded(
        queries: activations.query, over: rows, segments, &activations.folding,
        into: &activations.context)
    }
    finish(x, nil, &activations)
  }

  /// The keys and values of a context, ready for all queries to come.
  /// - Parameter parts: The rows of context that are attended to together.
  func packed(_ context: Matrix, parts: [Range<Int>]) -> PackedHeads {
    var (keys, values) = (Matrix(), Matrix())
    project(context, keys: &keys, values: &values)
    return PackedHeads(
      keys: Heads(keys), values: Heads(values), heads, parts: parts, rounding: rounds)
  }

  /// The same where keys and values are there already, `[rows, width]`: a picture's serve all texts.
  /// - Parameters:
  ///   - causal: Whether a query sees no key behind its own.
  ///   - dropout: What is left out in training.
  package func callAsFunction(
    _ x: Matrix, keys: Matrix, values: Matrix, _ segments: [AttentionSegment],
    causal: Bool = false, dropout: AttentionDropout? = nil, _ activations: inout Activations
  ) {
    query(x, into: &activations.query)
    attend(
      queries: Heads(activations.query), keys: Heads(keys), values: Heads(values), heads, segments,
      causal: causal, dropout: dropout?.probabilities, rounding: rounds, into: &activations.context)
    finish(x, dropout?.output, &activations)
  }

  /// The keys and values of what is attended to, `[rows, width]` each.
  package func project(_ context: Matrix, keys: inout Matrix, values: inout Matrix) {
    key(context, into: &keys)
    value(context, into: &values)
  }

  private func finish(_ x: Matrix, _ dropout: Dropout?, _ activations: inout Activations) {
    dense(activations.context, plus: x, dropping: dropout, into: &activations.sum)
    norm(activations.sum, into: &activations.output)
  }

  /// The order that takes fewer multiplications, of those that the attention is ready for. Counts what
  /// the two do not share. In integers it takes about two fifths of the time; folding is done in floats.
  /// - Parameters:
  ///   - queries: How many rows ask.
  ///   - pairs: How many pairs of a row that asks and a row of context that is asked there are.
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

/// What an attention leaves out in training: some of its probabilities, and some of what it adds to
/// its input.
package struct AttentionDropout: Sendable {
  package var probabilities, output: Dropout

  package init(probabilities: Dropout, output: Dropout) {
    self.probabilities = probabilities
    self.output = output
  }
}

extension Linear {
  /// The layer's output, of which dropout leaves some out, plus the addend.
  func callAsFunction(
    _ x: Matrix, plus addend: Matrix, dropping dropout: Dropout?, into y: inout Matrix
  ) {
    guard let dropout else { return self(x, plus: addend, into: &y) }
    self(x, into: &y)
    drop(&y, dropout)
    add(addend.values, to: &y)
  }
}
