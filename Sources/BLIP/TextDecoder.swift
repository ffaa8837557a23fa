package import Checkpoints
package import Tensors

/// BLIP's image-grounded text decoder: causal self-attention of its own, all else shared with the
/// image-grounded text encoder, and the language-model head. A caption checkpoint has no text encoder;
/// there all of it lies under `text_decoder.bert`.
package struct TextDecoder: ModelPart {
  private static let own = "text_decoder.bert"
  /// Where what is shared lies in the checkpoint.
  private let shared: String
  private var embedding: TextEmbedding
  private var layers: [TextLayer]
  private var crossAttention: [BERTAttention]
  private var transform: LanguageModelTransform
  /// The word embeddings once more, as the last layer.
  private var words: Linear

  package init(_ configuration: TextConfiguration, weights: Weights) {
    // One that is not tied to an encoder has layers of its own even where there is an encoder.
    let isTied = weights.shape(of: "\(Self.own).embeddings.LayerNorm.weight") == nil
    shared = isTied ? "text_encoder" : Self.own
    embedding = TextEmbedding(configuration, path: shared, weights: weights)
    layers = (0..<configuration.layers).map { _ in TextLayer(configuration) }
    crossAttention = MatchHead(configuration).attention
    transform = LanguageModelTransform(configuration)
    words = Linear(inputs: configuration.hiddenSize, outputs: configuration.vocabularySize)
  }

  package mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    try embedding.forEachParameter(&visitor)
    for index in layers.indices {
      let (own, shared) = ("\(Self.own).encoder.layer.\(index)", "\(shared).encoder.layer.\(index)")
      try layers[index].attention.forEachParameter("\(own).attention", &visitor)
      try crossAttention[index].forEachParameter("\(shared).crossattention", &visitor)
      try layers[index].feedForward.forEachParameter(shared, &visitor)
    }
    try transform.forEachParameter(&visitor)
    try visitor.visit(embedding.wordsName, [words.outputs, words.inputs], &words.weight)
    try visitor.visit(LanguageModelTransform.biasName, [words.outputs], &words.bias)
  }

  /// Of every token the logits of the one behind it.
  /// - Parameters:
  ///   - texts: `[DEC] …` of any lengths.
  ///   - features: The patch features of the picture that each text tells of, `[1 + P, D]`.
  /// - Returns: `[Σ length, vocabulary]`
  package func callAsFunction(_ texts: [[Int32]], features: [Matrix]) throws -> Matrix {
    precondition(texts.count == features.count)
    let segments = consecutiveRanges(texts.map(\.count))
    var x = try embedding(texts)
    var attention = BERTAttention.Activations()
    var feedForward = FeedForward.Activations()
    let pictures = Matrix(
      rows: features.reduce(0) { $0 + $1.rows }, columns: features.first?.columns ?? 0,
      values: features.flatMap(\.values))
    let looking = zip(segments, consecutiveRanges(features.map(\.rows))).map {
      AttentionSegment(queries: $0, keys: $1)
    }
    var (keys, values) = (Matrix(), Matrix())
    for (index, layer) in layers.enumerated() {
      layer.attention.project(x, keys: &keys, values: &values)
      layer.attention(
        x, keys: keys, values: values,
        segments.map { AttentionSegment(queries: $0, keys: $0) }, causal: true, &attention)
      swap(&x, &attention.output)
      crossAttention[index](x, over: pictures, looking, &attention)
      swap(&x, &attention.output)
      layer.feedForward(x, &feedForward)
      swap(&x, &feedForward.output)
    }
    var (activations, logits) = (LanguageModelTransform.Activations(), Matrix())
    transform(x, &activations)
    words(activations.output, into: &logits)
    return logits
  }
}

/// What the language-model head does before its product by the words: `norm(gelu(dense(x)))`.
package struct LanguageModelTransform: Sendable {
  private static let path = "text_decoder.cls.predictions"
  /// The bias of the product by the words.
  package static let biasName = "\(path).bias"
  package var dense: Linear
  package var norm: LayerNorm

  package init(_ configuration: TextConfiguration) {
    dense = Linear(inputs: configuration.hiddenSize, outputs: configuration.hiddenSize)
    norm = LayerNorm(width: configuration.hiddenSize, epsilon: configuration.layerNormEpsilon)
  }

  package mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    try dense.forEachParameter("\(Self.path).transform.dense", &visitor)
    try norm.forEachParameter("\(Self.path).transform.LayerNorm", &visitor)
  }

  /// What is computed on the way, `[n, width]` each.
  package struct Activations: Sendable {
    /// What the GELU was given, where it is kept.
    package var inner = Matrix()
    package var activated = Matrix()
    package var output = Matrix()

    /// No memory yet.
    package init() {}
  }

  /// x: `[n, width]`; leaves `[n, width]` in `activations.output`.
  package func callAsFunction(
    _ x: Matrix, keeping: Bool = false, _ activations: inout Activations
  ) {
    dense.activated(
      x, keeping: keeping, inner: &activations.inner, into: &activations.activated)
    norm(activations.activated, into: &activations.output)
  }
}
