internal import BLIP
internal import Tensors

/// A forward pass of texts through the layers of the text side, with the activations for the backward
/// pass.
struct TextLayersForward: Sendable {
  let mode: TextMode
  let texts: [[Int32]]
  /// Nothing where they were not saved.
  fileprivate(set) var activations: TextActivations?
  /// `[Σ length, H]` of the decoder; else row 0 of every text or pair.
  fileprivate(set) var output = Matrix()
}

extension TrainableModel {
  /// The layers as a mode runs them.
  private func layers(_ mode: TextMode) -> TextLayers {
    switch mode {
    case .unimodal: text.layers()
    case .grounded: text.layers(crossAttention: match.attention)
    case .decoder:
      TextLayers(
        selfAttention: decoder, crossAttention: match.attention, feedForward: text.feedForward)
    }
  }

  /// Runs texts in one of the three modes.
  /// - Parameters:
  ///   - pairs: The text of each pair, where pairs of a text and a picture are run.
  ///   - cross: The pictures that texts or pairs attend to.
  func run(
    _ texts: [[Int32]], _ mode: TextMode, pairs: [Int]? = nil, cross: CrossContext? = nil,
    dropout: TextDropout?, savingActivations: Bool
  ) -> TextLayersForward {
    precondition((mode == .unimodal) == (cross == nil))
    let dropout = dropout?.of(mode)
    let pass = TextPass(
      lengths: texts.map(\.count), isCausal: mode == .decoder, firstRowOnly: mode != .decoder,
      pairs: pairs, dropout: dropout)
    var activations = TextActivations()
    let x = text.embedding(
      text.embedding.words.rows(texts.joined().map(Int.init)), of: texts,
      dropout: dropout?.embedding, savingActivations: savingActivations, &activations)
    var forward = TextLayersForward(mode: mode, texts: texts)
    forward.output = layers(mode)(
      x, pass, cross: cross, savingActivations: savingActivations, &activations)
    if savingActivations { forward.activations = activations }
    return forward
  }

  /// The backward pass from the output: adds to the gradient and, for the pictures' keys and values,
  /// to the cache.
  func backward(
    _ dOutput: Matrix, _ forward: TextLayersForward, _ cross: inout CrossAttentionCache,
    into gradient: inout TrainableModel
  ) {
    guard let activations = forward.activations else {
      preconditionFailure("activations that were not saved")
    }
    var (d, dx) = (dOutput, Matrix())
    for (index, layer) in activations.layers.enumerated().reversed() {
      text.feedForward[index].backward(
        &d, layer.feedForward, into: &gradient.text.feedForward[index])
      if forward.mode != .unimodal {
        cross.layers[index].backward(
          d, match.attention[index], layer.crossAttention,
          into: &gradient.match.attention[index], dx: &dx)
        swap(&d, &dx)
      }
      if let pairRows = layer.pairRows {
        var texts = Matrix(rows: layer.selfAttention.output.rows, columns: d.columns)
        addRows(d, at: pairRows, to: &texts)
        d = texts
      }
      if forward.mode == .decoder {
        decoder[index].backward(&d, layer, into: &gradient.decoder[index])
      } else {
        text.attention[index].backward(&d, layer, into: &gradient.text.attention[index])
      }
    }
    drop(&d, activations.embeddingDropout)
    text.embedding.norm.backward(
      d, of: activations.embedded, into: &gradient.text.embedding.norm, dx: &dx)
    addRows(dx, at: forward.texts.joined().map(Int.init), to: &gradient.text.embedding.words)
    addRows(
      dx, at: forward.texts.flatMap { Array($0.indices) },
      to: &gradient.text.embedding.positionEmbedding)
  }
}
