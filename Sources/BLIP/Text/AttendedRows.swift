internal import Tensors

/// The patch features that the cross-attentions of several layers attend to.
struct AttendedRows: Sendable {
  /// `[rows, D]`
  private let rows: Matrix
  /// Those that are attended to together: a picture's.
  let parts: [Range<Int>]
  /// Ready for the folded order, the same for all layers; nil until one takes that.
  private var folded: PackedHeads?

  /// Rows of pictures that lie one behind the other.
  init(_ rows: Matrix, parts: [Range<Int>]) {
    (self.rows, self.parts) = (rows, parts)
  }

  /// The rows as a layer attends to them.
  /// - Parameters:
  ///   - queries: How many rows will ask.
  ///   - pairs: How many pairs of a row that asks and a row that is asked there will be.
  ///   - order: Nil: whichever takes fewer multiplications, of those that the layer is ready for.
  mutating func context(
    of layer: BERTAttention, queries: Int, pairs: Int, order: BERTAttention.Order?
  ) -> BERTAttention.Context {
    guard let folding = layer.folded,
      (order ?? layer.cheaperOrder(queries: queries, pairs: pairs, over: rows)) == .folded
    else { return .projected(layer.packed(rows, parts: parts)) }
    let ready = folded ?? folding.pack(rows, parts: parts)
    folded = ready
    return .folded(ready, folding)
  }
}
