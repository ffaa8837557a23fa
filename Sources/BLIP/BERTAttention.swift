internal import Tensors

/// A post-norm attention of the text side: `norm(x + dense(attention(x, context)))`, where context
/// is the text itself (self-attention) or a picture's patch features (cross-attention).
struct BERTAttention: Sendable {
  private let heads: HeadShape
  private var query, key, value, dense: Linear
  private var norm: LayerNorm
  private var folded: FoldedAttention?

  init(width: Int, contextWidth: Int, heads: Int, epsilon: Float) {
    self.heads = HeadShape(count: heads, width: width)
    query = Linear(inputs: width, outputs: width)
    key = Linear(inputs: contextWidth, outputs: width)
    value = key
    dense = query
    norm = LayerNorm(width: width, epsilon: epsilon)
  }

  mutating func forEachParameter(
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

  /// The two orders of multiplication that give the same attention.
  enum Order { case projected, folded }

  /// Everything the attention computes on the way, `[rows, …]` each. Keys and values are
  /// left by the projected order only.
  struct Activations: Sendable {
    var query = Matrix()
    var key = Matrix()
    var value = Matrix()
    fileprivate var folding = FoldedAttention.Activations()
    var context = Matrix()
    var sum = Matrix()
    var output = Matrix()
  }

  /// - Parameters:
  ///   - x: `[query rows, width]`
  ///   - context: `[rows, context width]`
  ///   - segments: Which rows of x ask which rows of context.
  ///   - order: Nil: whichever takes fewer multiplications, of those that it is ready for.
  ///   - activations: `output` becomes `[query rows, width]`.
  func callAsFunction(
    _ x: Matrix, over context: Matrix, _ segments: [AttentionSegment], order: Order? = nil,
    _ activations: inout Activations
  ) {
    query(x, into: &activations.query)
    if let folded, (order ?? cheaperOrder(x, over: context, segments)) == .folded {
      folded(
        queries: activations.query, over: context, segments, &activations.folding,
        into: &activations.context)
    } else {
      key(context, into: &activations.key)
      value(context, into: &activations.value)
      attend(
        queries: Heads(activations.query), keys: Heads(activations.key),
        values: Heads(activations.value), heads, segments,
        into: &activations.context)
    }
    dense(activations.context, plus: x, into: &activations.sum)
    norm(activations.sum, into: &activations.output)
  }

  /// Counts the multiplications that the two orders do not share. In integers they take about two
  /// fifths of the time; folding is done in floats.
  private func cheaperOrder(
    _ x: Matrix, over context: Matrix, _ segments: [AttentionSegment]
  ) -> Order {
    let pairs = segments.reduce(0) { $0 + $1.queries.count * $1.keys.count }
    let width = heads.width
    let projection = 2 * context.rows * context.columns * width
    let inFloats = key.weight.format == .integers ? projection * 2 / 5 : projection
    let projected = inFloats + 2 * pairs * width
    let folded = 2 * x.rows * context.columns * width + 2 * pairs * heads.count * context.columns
    return folded < projected ? .folded : .projected
  }
}
