package import Checkpoints
package import Tensors

/// BLIP's text encoder (BERT, bidirectional) with its ITC head. Run with a `Grounding` it is the
/// image-grounded text encoder: the same layers with a cross-attention in each.
package struct TextEncoder: ModelPart {
  package var embedding: TextEmbedding
  package var layers: [TextLayer]
  package var projection: Linear

  /// - Parameter weights: Where the words are read from as they are needed; nil to have them loaded.
  package init(_ configuration: ModelConfiguration, weights: Weights?) {
    embedding = TextEmbedding(configuration.text, weights: weights)
    layers = (0..<configuration.text.layers).map { _ in TextLayer(configuration.text) }
    projection = Linear(
      inputs: configuration.text.hiddenSize, outputs: configuration.embeddingSize)
  }

  /// Whether a checkpoint holds a text encoder.
  static func isPresent(in weights: Weights, _ configuration: TextConfiguration) -> Bool {
    weights.shape(of: TextEmbedding.words(configuration).name) != nil
  }

  package mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    try embedding.forEachParameter(&visitor)
    for index in layers.indices {
      try layers[index].forEachParameter("text_encoder.encoder.layer.\(index)", &visitor)
    }
    try projection.forEachParameter("text_proj", &visitor)
  }

  /// What is computed on the way; one layer's at a time.
  struct Activations: Sendable {
    fileprivate var attention = BERTAttention.Activations()
    fileprivate var feedForward = FeedForward.Activations()
  }

  /// Runs texts of any lengths, each at its own length: their rows lie one behind the other for the
  /// matrix products, and each attends to itself only.
  /// - Parameters:
  ///   - grounding: Pictures to look at, and which text looks at which; every pair is run.
  ///   - observe: Sees all rows of every layer.
  /// - Returns: Row 0 of every text, or with a grounding of every pair: `[texts or pairs, width]`.
  func callAsFunction(
    _ texts: [[Int32]], grounding: Grounding? = nil, _ activations: inout Activations,
    observe: Observer? = nil
  ) throws -> Matrix {
    var grounding = grounding
    var x = try embedding(texts)
    observe?("embeddings", x)
    var segments = consecutiveRanges(texts.map(\.count))
    for (index, layer) in layers.enumerated() {
      // Of the last layer only row 0 of every text is wanted.
      let isLast = index == layers.count - 1 && observe == nil
      let asking = isLast ? segments.indices.map { $0..<$0 + 1 } : segments
      let attention = zip(asking, segments).map { AttentionSegment(queries: $0, keys: $1) }
      if isLast {
        layer.attention(
          x.rows(segments.map(\.lowerBound)), over: x, attention, &activations.attention)
      } else {
        layer.attention(x, over: x, attention, &activations.attention)
      }
      swap(&x, &activations.attention.output)
      segments = asking
      if let pairs = grounding?.pairs {
        if index == 0 {
          // Up to here a text is the same for every picture.
          let texts = pairs.map { segments[$0.text] }
          x = x.rows(texts.flatMap(Array.init))
          segments = consecutiveRanges(texts.map(\.count))
        }
        grounding?.attend(x, segments, layer: index, &activations.attention)
        swap(&x, &activations.attention.output)
      }
      layer.feedForward(x, &activations.feedForward)
      swap(&x, &activations.feedForward.output)
      observe?("layer.\(index)", x)
    }
    return x.rows(segments.map(\.lowerBound))
  }

  /// The ITC embeddings of texts from their row 0 `[n, width]`.
  func embeddings(of rows: Matrix) -> [[Float]] {
    var projected = Matrix()
    projection(rows, into: &projected)
    return (0..<rows.rows).map { normalized(Array(projected[row: $0])) }
  }
}
