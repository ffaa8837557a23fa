package import Tensors

/// How texts are run through the layers of the text side.
package struct TextPass: Sendable {
  /// The rows of each text in the input.
  let texts: [Range<Int>]
  /// The keys of each text where they are more than its own rows: those of earlier tokens too.
  var keys: [Range<Int>]?
  /// Whether a token attends to no later one.
  var isCausal: Bool
  /// Whether only row 0 of every text is wanted of the last layer.
  var firstRowOnly: Bool
  /// The text of each pair, where pairs of a text and a picture are run.
  var pairs: [Int]?
  /// In training.
  var dropout: TextDropout?

  /// A pass of texts of the given numbers of tokens.
  package init(
    lengths: [Int], isCausal: Bool = false, firstRowOnly: Bool = false, pairs: [Int]? = nil,
    dropout: TextDropout? = nil
  ) {
    texts = consecutiveRanges(lengths)
    self.isCausal = isCausal
    self.firstRowOnly = firstRowOnly
    self.pairs = pairs
    self.dropout = dropout
  }

  /// The rows of each text, or of each pair, in the output of the layers but the last.
  var outputTexts: [Range<Int>] {
    pairs.map { consecutiveRanges($0.map { texts[$0].count }) } ?? texts
  }
}

/// What texts leave behind on their way through the layers.
package struct TextActivations: Sendable {
  /// What one layer was given and computed.
  package struct Layer: Sendable {
    /// `[rows, width]`, saved for a backward pass, as what follows.
    package fileprivate(set) var input = Matrix()
    /// The rows of the input that are queries, where not all are.
    package fileprivate(set) var queryRows: [Int]?
    package fileprivate(set) var selfAttention = BERTAttention.Activations()
    /// The rows of the self-attention's output that the pairs are made of, in the first layer.
    package fileprivate(set) var pairRows: [Int]?
    package fileprivate(set) var crossAttention = BERTAttention.Activations()
    package fileprivate(set) var feedForward = FeedForward.Activations()
  }

  /// What the embedding's norm was given, and the dropout of its output; saved for a backward pass.
  package internal(set) var embedded = Matrix()
  package internal(set) var embeddingDropout: Dropout?
  /// One for each layer where they are saved, else one that serves them all.
  package fileprivate(set) var layers: [Layer] = []

  /// No memory yet.
  package init() {}
}

/// The layers of the text encoder, of the image-grounded text encoder (with a cross-attention in each)
/// or of the decoder (with self-attentions of its own): one forward pass for all three, for inference
/// and training.
package struct TextLayers: Sendable {
  let selfAttention: [BERTAttention]
  /// Empty where there is none.
  let crossAttention: [BERTAttention]
  let feedForward: [FeedForward]

  package init(
    selfAttention: [BERTAttention], crossAttention: [BERTAttention] = [],
    feedForward: [FeedForward]
  ) {
    precondition(selfAttention.count == feedForward.count)
    self.selfAttention = selfAttention
    self.crossAttention = crossAttention
    self.feedForward = feedForward
  }

  /// Gives a layer's self-attention the keys and values of earlier tokens too.
  typealias Cache = (_ layer: Int, _ keys: Matrix, _ values: Matrix) -> BERTAttention.Context

  /// Runs texts of any lengths, concatenated for the matrix products; each attends to itself only.
  /// - Parameters:
  ///   - embedded: `[Σ length, width]`
  ///   - cross: What the cross-attentions attend to.
  ///   - savingActivations: Whether a backward pass will need the activations.
  ///   - observe: Sees the output of every layer.
  /// - Returns: `[Σ length, width]` of the texts or pairs, or row 0 of each.
  package func callAsFunction(
    _ embedded: Matrix, _ pass: TextPass, cross: CrossContext? = nil,
    savingActivations: Bool = false, _ activations: inout TextActivations,
    observe: Observer? = nil
  ) -> Matrix {
    self(
      embedded, pass, cross: cross, savingActivations: savingActivations, &activations,
      observe: observe, cache: { .unpacked(keys: $1, values: $2) })
  }

  func callAsFunction(
    _ embedded: Matrix, _ pass: TextPass, cross: CrossContext?, savingActivations: Bool = false,
    _ activations: inout TextActivations, observe: Observer? = nil, cache: Cache
  ) -> Matrix {
    let buffers = savingActivations ? feedForward.count : 1
    while activations.layers.count < buffers { activations.layers.append(.init()) }
    var stream = Stream(x: embedded, texts: pass.texts, saves: savingActivations)
    var cross = cross
    for index in feedForward.indices {
      let buffer = savingActivations ? index : 0
      // Moved out and in again, so that nothing is copied.
      var layer = TextActivations.Layer()
      swap(&layer, &activations.layers[buffer])
      attendToTexts(&stream, pass, layer: index, &layer, cache)
      if cross != nil { attendToPictures(&stream, pass, &cross!, layer: index, &layer) }
      feedForward[index](
        stream.x, dropout: pass.dropout?.feedForward(layer: index),
        savingActivations: savingActivations, &layer.feedForward)
      stream.take(&layer.feedForward.output)
      swap(&layer, &activations.layers[buffer])
      observe?("layer.\(index)", stream.x)
    }
    return stream.x
  }

  /// What passes from layer to layer.
  private struct Stream {
    var x: Matrix
    /// The rows of each text or pair in x.
    var texts: [Range<Int>]
    /// Whether outputs stay where they are.
    let saves: Bool

    mutating func take(_ output: inout Matrix) {
      if saves { x = output } else { swap(&x, &output) }
    }
  }

  private func attendToTexts(
    _ stream: inout Stream, _ pass: TextPass, layer index: Int,
    _ layer: inout TextActivations.Layer, _ cache: Cache
  ) {
    let attention = selfAttention[index]
    let (x, keys) = (stream.x, pass.keys ?? stream.texts)
    let firstRowOnly = pass.firstRowOnly && index == feedForward.count - 1
    let queryRows = firstRowOnly ? stream.texts.map(\.lowerBound) : nil
    if firstRowOnly { stream.texts = stream.texts.indices.map { $0..<$0 + 1 } }
    if stream.saves { (layer.input, layer.queryRows) = (x, queryRows) }
    attention.project(x, keys: &layer.selfAttention.keys, values: &layer.selfAttention.values)
    let context = cache(index, layer.selfAttention.keys, layer.selfAttention.values)
    attention(
      queryRows.map { x.rows($0) } ?? x, over: context,
      zip(stream.texts, keys).map { AttentionSegment(queries: $0, keys: $1) },
      causal: pass.isCausal, dropout: pass.dropout?.selfAttention(layer: index),
      savingActivations: stream.saves, &layer.selfAttention)
    stream.take(&layer.selfAttention.output)
  }

  private func attendToPictures(
    _ stream: inout Stream, _ pass: TextPass, _ cross: inout CrossContext, layer index: Int,
    _ layer: inout TextActivations.Layer
  ) {
    if index == 0, let pairs = pass.pairs {
      // Up to here a text is the same for every picture.
      let texts = pairs.map { stream.texts[$0] }
      let rows = texts.flatMap(Array.init)
      stream.x = stream.x.rows(rows)
      stream.texts = consecutiveRanges(texts.map(\.count))
      if stream.saves { layer.pairRows = rows }
    }
    let attention = crossAttention[index]
    let segments = cross.segments(of: stream.texts)
    let context = cross.context(
      of: attention, layer: index, queries: stream.x.rows, segments)
    attention(
      stream.x, over: context, segments, dropout: pass.dropout?.crossAttention(layer: index),
      savingActivations: stream.saves, &layer.crossAttention)
    stream.take(&layer.crossAttention.output)
  }
}
