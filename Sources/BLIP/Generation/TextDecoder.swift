package import Checkpoints
package import Tensors

/// BLIP's image-grounded text decoder: causal self-attentions of its own, all else shared with the
/// image-grounded text encoder, and the language-model head. In a caption checkpoint, which has no
/// text encoder, all of it is under `text_decoder.bert`.
package struct TextDecoder: ModelPart {
  private static let own = "text_decoder.bert"
  /// Whether the text encoder's layers are the decoder's too: they are not visited, but set by `share`.
  let sharesEncoder: Bool
  private let width: Int
  private var embedding: TextEmbedding
  private var attention: [BERTAttention]
  private(set) var crossAttention: [BERTAttention]
  private(set) var feedForward: [FeedForward]
  private var transform: LanguageModelTransform
  /// The word embeddings again, as the last layer.
  var words: Linear

  /// - Parameter weights: Where the rows of the words are read from.
  package init(_ configuration: TextConfiguration, weights: Weights) {
    // A decoder that is not tied to an encoder has its own layers even where there is an encoder.
    sharesEncoder = weights.shape(of: "\(Self.own).embeddings.LayerNorm.weight") == nil
    width = configuration.hiddenSize
    embedding = TextEmbedding(
      configuration, path: sharesEncoder ? "text_encoder" : Self.own, weights: weights)
    attention = (0..<configuration.layers).map { _ in BERTAttention(configuration) }
    feedForward = attention.map { _ in FeedForward(configuration) }
    crossAttention = MatchHead(configuration).attention
    transform = LanguageModelTransform(configuration)
    words = Linear(inputs: configuration.hiddenSize, outputs: configuration.vocabularySize)
  }

  /// Whether a checkpoint holds a decoder.
  static func isPresent(in weights: Weights) -> Bool {
    weights.shape(of: LanguageModelTransform.biasName) != nil
  }

  package mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    if !sharesEncoder { try embedding.forEachParameter(&visitor) }
    for index in attention.indices {
      let path = "\(Self.own).encoder.layer.\(index)"
      try attention[index].forEachParameter("\(path).attention", &visitor)
      guard !sharesEncoder else { continue }
      try crossAttention[index].forEachParameter("\(path).crossattention", &visitor)
      try feedForward[index].forEachParameter(path, &visitor)
    }
    try transform.forEachParameter(&visitor)
    try visitor.visit(embedding.wordsName, [words.outputs, words.inputs], &words.weight)
    try visitor.visit(LanguageModelTransform.biasName, [words.outputs], &words.bias)
  }

  package mutating func prepare() {
    guard !sharesEncoder else { return }
    for index in crossAttention.indices { crossAttention[index].prepareFolding() }
  }

  /// Takes over what the decoder shares with the image-grounded text encoder. Nothing is copied: a
  /// loaded matrix is shared by all that hold it.
  package mutating func share(_ encoder: TextEncoder, _ match: MatchHead) {
    embedding = encoder.embedding
    feedForward = encoder.feedForward
    crossAttention = match.attention
  }

  /// Empty sequences, one for each picture. The pictures' keys and values are computed here, once for
  /// all tokens, unless the tokens are so few that folding the projections into each is cheaper.
  /// - Parameters:
  ///   - pictures: Patch features, `[1 + P, D]` each.
  ///   - capacity: The most tokens of a sequence.
  ///   - sequences: The most sequences of a picture.
  ///   - order: The order of multiplication; nil for the cheaper one.
  func begin(
    _ pictures: [Matrix], capacity: Int, sequences: Int = 1, order: BERTAttention.Order? = nil
  ) -> DecoderState {
    var features = PatchFeatures(pictures)
    let tokens = sequences * capacity
    let contexts = crossAttention.map {
      features.context(
        of: $0, queries: pictures.count * tokens, pairs: features.count * tokens, order: order)
    }
    return DecoderState(
      contexts: contexts, width: width, pictures: features.pictures, capacity: capacity)
  }

  /// Appends as many new tokens to every sequence and runs them.
  /// - Returns: `[sequences · new tokens, width]`
  func callAsFunction(_ tokens: [[Int32]], _ state: inout DecoderState) throws -> Matrix {
    let count = tokens.first?.count ?? 0
    precondition(tokens.count == state.pictureOf.count && tokens.allSatisfy { $0.count == count })
    var activations = TextActivations()
    let words = try embedding.words(of: tokens)
    let x = embedding(words, of: tokens, from: state.length, &activations)
    // A single token attends to all there are.
    var pass = TextPass(lengths: tokens.map(\.count), isCausal: count > 1)
    pass.keys = state.keyRows(adding: count)
    let layers = TextLayers(
      selfAttention: attention, crossAttention: crossAttention, feedForward: feedForward)
    let output = layers(x, pass, cross: state.cross, &activations) { layer, keys, values in
      state.append(keys: keys, values: values, count: count, layer: layer)
    }
    state.advance(by: count)
    return output
  }

  /// The language-model head's output for rows `[n, width]`: `[n, vocabulary]`, for every token the
  /// logits of the next one.
  func logits(of x: Matrix) -> Matrix {
    var (activations, logits) = (LanguageModelTransform.Activations(), Matrix())
    transform(x, &activations)
    words(activations.output, into: &logits)
    return logits
  }
}

/// The language-model head before its product by the words: `norm(gelu(dense(x)))`.
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

  /// What is computed in between, `[n, width]` each.
  package struct Activations: Sendable {
    /// What the head was given, and the GELU's input; saved for a backward pass.
    package var input = Matrix()
    package var inner = Matrix()
    package var activated = Matrix()
    package var output = Matrix()

    /// No memory yet.
    package init() {}
  }

  /// x: `[n, width]`; leaves `[n, width]` in `activations.output`.
  package func callAsFunction(
    _ x: Matrix, savingActivations: Bool = false, _ activations: inout Activations
  ) {
    if savingActivations { activations.input = x }
    dense.activated(
      x, savingInput: savingActivations, inner: &activations.inner, into: &activations.activated)
    norm(activations.activated, into: &activations.output)
  }
}
