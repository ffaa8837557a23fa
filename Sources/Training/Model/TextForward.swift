internal import BLIP
internal import Tensors

/// Texts' forward pass through the unimodal encoder, with the activations for the backward pass.
struct TextForward: Sendable {
  /// ITC embeddings, L2-normalised: `[B, 256]`.
  fileprivate(set) var embeddings = Matrix()
  fileprivate let layers: TextLayersForward
  /// The embeddings before normalisation.
  fileprivate var projected = Matrix()
}

extension TrainableModel {
  /// Encodes texts, `[CLS] … [SEP]` of any lengths.
  /// - Parameter savingActivations: Whether there will be a backward pass.
  func encode(
    texts: [[Int32]], dropout: TextDropout? = nil, savingActivations: Bool
  ) -> TextForward {
    var forward = TextForward(
      layers: run(texts, .unimodal, dropout: dropout, savingActivations: savingActivations))
    text.projection(forward.layers.output, into: &forward.projected)
    normalizeRows(forward.projected, into: &forward.embeddings)
    return forward
  }

  /// The backward pass from the gradient of the embeddings: adds to the gradient.
  func backward(
    embeddings: Matrix, _ forward: TextForward, into gradient: inout TrainableModel
  ) {
    var (dProjected, d) = (Matrix(), Matrix())
    normalizeRowsBackward(embeddings, of: forward.projected, dx: &dProjected)
    text.projection.backward(
      dProjected, of: forward.layers.output, into: &gradient.text.projection, dx: &d)
    var pictures = CrossAttentionCache.none
    backward(d, forward.layers, &pictures, into: &gradient)
  }
}
