package import Checkpoints
package import Tensors

/// BLIP's text encoder (BERT, bidirectional) with its ITC head. Run with a `Grounding` it is the
/// image-grounded text encoder: the same layers with a cross-attention in each.
package struct TextEncoder: ModelPart {
  package var embedding: TextEmbedding
  package var attention: [BERTAttention]
  package var feedForward: [FeedForward]
  package var projection: Linear

  /// - Parameter weights: Where the words are read from when they are needed; nil to have them loaded.
  package init(_ configuration: ModelConfiguration, weights: Weights?) {
    embedding = TextEmbedding(configuration.text, weights: weights)
    attention = (0..<configuration.text.layers).map { _ in BERTAttention(configuration.text) }
    feedForward = attention.map { _ in FeedForward(configuration.text) }
    projection = Linear(
      inputs: configuration.text.hiddenSize, outputs: configuration.embeddingSize)
  }

  /// Whether a checkpoint holds a text encoder.
  static func isPresent(in weights: Weights, _ configuration: TextConfiguration) -> Bool {
    weights.shape(of: TextEmbedding.words(configuration).name) != nil
  }

  package mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    try embedding.forEachParameter(&visitor)
    for index in attention.indices {
      let path = "text_encoder.encoder.layer.\(index)"
      try attention[index].forEachParameter("\(path).attention", &visitor)
      try feedForward[index].forEachParameter(path, &visitor)
    }
    try projection.forEachParameter("text_proj", &visitor)
  }

  /// The layers as the unimodal encoder runs them or, with cross-attentions, the image-grounded one.
  package func layers(crossAttention: [BERTAttention] = []) -> TextLayers {
    TextLayers(
      selfAttention: attention, crossAttention: crossAttention, feedForward: feedForward)
  }

  /// Runs texts of any lengths, each at its own length.
  /// - Parameters:
  ///   - grounding: Pictures, and which text attends to which; every pair is run.
  ///   - observe: Sees all rows of every layer.
  /// - Returns: Row 0 of every text, or with a grounding of every pair: `[texts or pairs, width]`.
  func callAsFunction(
    _ texts: [[Int32]], grounding: Grounding? = nil, _ activations: inout TextActivations,
    observe: Observer? = nil
  ) throws -> Matrix {
    let pass = TextPass(
      lengths: texts.map(\.count), firstRowOnly: observe == nil, pairs: grounding?.textOf)
    let x = embedding(try embedding.words(of: texts), of: texts, &activations)
    observe?("embeddings", x)
    let output = layers(crossAttention: grounding?.attention ?? [])(
      x, pass, cross: grounding?.context, &activations, observe: observe)
    return pass.firstRowOnly ? output : output.rows(pass.outputTexts.map(\.lowerBound))
  }

  /// The ITC embeddings of texts from their row 0 `[n, width]`.
  func embeddings(of rows: Matrix) -> [[Float]] {
    var projected = Matrix()
    projection(rows, into: &projected)
    return (0..<rows.rows).map { normalized(Array(projected[row: $0])) }
  }
}
