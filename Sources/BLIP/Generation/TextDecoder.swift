package import Checkpoints
package import Tensors

/// BLIP's image-grounded text decoder: causal self-attention of its own, all else shared with the
/// image-grounded text encoder, and the language-model head. A caption checkpoint has no text encoder;
/// there all of it lies under `text_decoder.bert`.
package struct TextDecoder: ModelPart {
  private static let own = "text_decoder.bert"
  /// Whether the layers of the checkpoint's text encoder are this one's too: they are not visited,
  /// but come by `share`.
  let sharesEncoder: Bool
  private let width: Int
  private var embedding: TextEmbedding
  private var attention: [BERTAttention]
  private(set) var crossAttention: [BERTAttention]
  private(set) var feedForward: [FeedForward]
  private var transform: LanguageModelTransform
  /// The word embeddings once more, as the last layer.
  var words: Linear

  /// - Parameter weights: Where the rows of the words are read from.
  package init(_ configuration: TextConfiguration, weights: Weights) {
    // One that is not tied to an encoder has layers of its own even where there is an encoder.
    sharesEncoder = weights.shape(of: "\(Self.own).embeddings.LayerNorm.weight") == nil
    width = configuration.hiddenSize
    embedding = TextEmbedding(
      configuration, path: sharesEncoder ? "text_encoder" : Self.own, weights: weights)
    let layers = (0..<configuration.layers).map { _ in TextLayer(configuration) }
    attention = layers.map(\.attention)
    feedForward = layers.map(\.feedForward)
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

  /// Takes what the image-grounded text encoder has too. Nothing is copied: a loaded matrix is shared
  /// by all that hold it.
  package mutating func share(_ encoder: TextEncoder, _ match: MatchHead) {
    embedding = encoder.embedding
    feedForward = encoder.layers.map(\.feedForward)
    crossAttention = match.attention
  }

  /// Empty sequences, one for each picture. The pictures' keys and values are computed here, once for
  /// all tokens, unless so few tokens can come that folding the projections into each takes less.
  /// - Parameters:
  ///   - pictures: Patch features, `[1 + P, D]` each.
  ///   - capacity: The most tokens of a sequence.
  ///   - sequences: The most sequences of a picture.
  ///   - order: Nil: whichever takes fewer multiplications.
  func begin(
    _ pictures: [Matrix], capacity: Int, sequences: Int = 1, order: BERTAttention.Order? = nil
  ) -> DecoderState {
    let features = Matrix(
      rows: pictures.reduce(0) { $0 + $1.rows }, columns: pictures.first?.columns ?? 0,
      values: pictures.count == 1 ? pictures[0].values : pictures.flatMap(\.values))
    let parts = consecutiveRanges(pictures.map(\.rows))
    var attended = AttendedRows(features, parts: parts)
    let tokens = sequences * capacity
    let contexts = crossAttention.map {
      attended.context(
        of: $0, queries: pictures.count * tokens, pairs: features.rows * tokens, order: order)
    }
    return DecoderState(layers: contexts, width: width, pictures: parts, capacity: capacity)
  }

  /// Runs as many new tokens of every sequence behind those it has.
  /// - Returns: `[sequences · new tokens, width]`
  func callAsFunction(_ tokens: [[Int32]], _ state: inout DecoderState) throws -> Matrix {
    let count = tokens.first?.count ?? 0
    precondition(tokens.count == state.pictureOf.count && tokens.allSatisfy { $0.count == count })
    var x = try embedding(tokens, from: state.length)
    var inner = BERTAttention.Activations()
    var outer = FeedForward.Activations()
    let (own, pictures) = (state.ownSegments(count), state.pictureSegments(count))
    var (keys, values) = (Matrix(), Matrix())
    for index in attention.indices {
      attention[index].project(x, keys: &keys, values: &values)
      state.append(keys: keys, values: values, count: count, layer: index)
      let layer = state.layers[index]
      // A lone token sees all there is.
      attention[index](
        x, keys: layer.keys, values: layer.values, own, causal: count > 1, &inner)
      swap(&x, &inner.output)
      crossAttention[index](x, over: layer.pictures, pictures, &inner)
      swap(&x, &inner.output)
      feedForward[index](x, &outer)
      swap(&x, &outer.output)
    }
    state.advance(by: count)
    return x
  }

  /// What the language-model head makes of rows `[n, width]`: `[n, vocabulary]`, of every token the
  /// logits of the one behind it.
  func logits(of x: Matrix) -> Matrix {
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
