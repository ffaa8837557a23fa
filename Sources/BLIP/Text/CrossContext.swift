internal import Tensors

/// What the cross-attentions of a forward pass attend to: the patch features of pictures, and which
/// text attends to which picture.
package struct CrossContext: Sendable {
  /// The rows of each picture.
  private let pictures: [Range<Int>]
  /// The picture of each text, or of each pair of a text and a picture.
  private let pictureOf: [Int]
  private var source: Source

  private enum Source {
    /// Patch features, prepared for a layer when it runs: one layer's keys and values at a time.
    case features(PatchFeatures, BERTAttention.Order?)
    /// Keys and values that are ready, layer by layer.
    case prepared([BERTAttention.Context])
  }

  /// Patch features that each layer prepares for itself.
  /// - Parameter order: The order of multiplication; nil for the cheaper one.
  init(features: PatchFeatures, pictureOf: [Int], order: BERTAttention.Order?) {
    pictures = features.pictures
    self.pictureOf = pictureOf
    source = .features(features, order)
  }

  /// Keys and values of all layers.
  package init(pictures: [Range<Int>], pictureOf: [Int], prepared: [BERTAttention.Context]) {
    self.pictures = pictures
    self.pictureOf = pictureOf
    source = .prepared(prepared)
  }

  /// Which rows of the texts attend to which of the pictures.
  func segments(of texts: [Range<Int>]) -> [AttentionSegment] {
    precondition(texts.count == pictureOf.count)
    return zip(texts, pictureOf).map { AttentionSegment(queries: $0, keys: pictures[$1]) }
  }

  /// What a layer attends to.
  /// - Parameter queries: Number of query rows, of all segments.
  mutating func context(
    of attention: BERTAttention, layer: Int, queries: Int, _ segments: [AttentionSegment]
  ) -> BERTAttention.Context {
    switch source {
    case .prepared(let contexts):
      return contexts[layer]
    case .features(var features, let order):
      let pairs = segments.reduce(0) { $0 + $1.queries.count * $1.keys.count }
      let context = features.context(
        of: attention, queries: queries, pairs: pairs, order: order)
      source = .features(features, order)
      return context
    }
  }
}

/// The patch features that the cross-attentions of several layers attend to.
struct PatchFeatures: Sendable {
  /// `[Σ (1 + P), D]`, the pictures concatenated.
  private let rows: Matrix
  /// The rows of each picture.
  let pictures: [Range<Int>]
  /// Prepared for the folded order, the same for all layers; nil until a layer takes that order.
  private var folded: PackedHeads?

  /// The features of pictures, `[1 + P, D]` each.
  init(_ features: [Matrix]) {
    pictures = consecutiveRanges(features.map(\.rows))
    guard features.count != 1 else {
      rows = features[0]
      return
    }
    let count = features.reduce(0) { $0 + $1.rows }
    let columns = features.first?.columns ?? 0
    // Tens of megabytes: an array that grows as it is filled would take twice as much.
    var values: [Float] = []
    values.reserveCapacity(count * columns)
    for picture in features { values += picture.values }
    rows = Matrix(rows: count, columns: columns, values: values)
  }

  /// The features as a layer attends to them.
  /// - Parameters:
  ///   - queries: Number of query rows.
  ///   - pairs: Number of pairs of a query row and a row that it attends to.
  ///   - order: Nil for the one that takes fewer multiplications, if the layer is ready for both.
  mutating func context(
    of layer: BERTAttention, queries: Int, pairs: Int, order: BERTAttention.Order?
  ) -> BERTAttention.Context {
    guard let folding = layer.folded,
      (order ?? layer.cheaperOrder(queries: queries, pairs: pairs, over: rows)) == .folded
    else { return .packed(layer.packed(rows, parts: pictures)) }
    let ready = folded ?? folding.pack(rows, parts: pictures)
    folded = ready
    return .folded(ready, folding)
  }

  /// All rows.
  var count: Int { rows.rows }
}

/// Consecutive ranges of the given lengths, from 0 on.
package func consecutiveRanges(_ lengths: [Int]) -> [Range<Int>] {
  var end = 0
  return lengths.map { length in
    end += length
    return end - length..<end
  }
}
