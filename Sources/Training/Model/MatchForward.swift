internal import BLIP
internal import Checkpoints
internal import Tensors

/// The forward pass of image-text matching, with the activations for the backward pass.
struct MatchForward: Sendable {
  /// `[pairs, 2]`; column 1 is "match".
  fileprivate(set) var logits = Matrix()
  fileprivate let layers: TextLayersForward
}

extension TrainableModel {
  /// Matches pairs of texts and pictures.
  /// - Parameters:
  ///   - texts: `[CLS] … [SEP]`; [CLS] is replaced by [ENC] here.
  ///   - pairs: Which text attends to which picture, by index.
  ///   - cross: The pictures, projected.
  ///   - savingActivations: Whether there will be a backward pass.
  func match(
    texts: [[Int32]], pairs: [(text: Int, picture: Int)], _ cross: CrossAttentionCache,
    dropout: TextDropout? = nil, savingActivations: Bool
  ) -> MatchForward {
    let texts = texts.map { [configuration.text.encoderToken] + $0.dropFirst() }
    var forward = MatchForward(
      layers: run(
        texts, .grounded, pairs: pairs.map(\.text),
        cross: cross.context(pictureOf: pairs.map(\.picture)), dropout: dropout,
        savingActivations: savingActivations))
    match.head(forward.layers.output, into: &forward.logits)
    return forward
  }

  /// The backward pass from the gradient of the logits: adds to the gradient and, for the pictures'
  /// keys and values, to the cache.
  func backward(
    logits: Matrix, _ forward: MatchForward, _ cross: inout CrossAttentionCache,
    into gradient: inout TrainableModel
  ) {
    var d = Matrix()
    match.head.backward(
      logits, of: forward.layers.output, into: &gradient.match.head, dx: &d)
    backward(d, forward.layers, &cross, into: &gradient)
  }
}
