import Random
package import Tensors

/// The three modes of the text side: the unimodal text encoder, the image-grounded one, the decoder.
package enum TextMode: UInt64, Sendable { case unimodal = 1, grounded, decoder }

/// Dropout of the text side as BERT has it: of the embeddings, of every attention's probabilities,
/// and of what attentions and feed-forward layers add to their input. Which numbers are dropped is a
/// function of the key alone, so that a repeated step drops the same.
package struct TextDropout: Sendable, Equatable {
  /// The probability of being dropped.
  package let probability: Float
  /// Determines what is dropped: different for every step.
  package let key: UInt64

  /// Dropout of the given probability, from 0 to below 1.
  package init(probability: Float, key: UInt64) {
    precondition(probability >= 0 && probability < 1)
    self.probability = probability
    self.key = key
  }

  /// The dropout of one mode: each drops different numbers.
  package func of(_ mode: TextMode) -> TextDropout {
    TextDropout(probability: probability, key: mixed(key, mode.rawValue))
  }

  /// Where numbers are dropped.
  private enum Place: UInt64 {
    case embedding, probabilities, attention, crossProbabilities, crossAttention, feedForward
  }

  private func at(_ place: Place, layer: Int = 0) -> Dropout {
    Dropout(probability: probability, key: mixed(key, UInt64(layer) << 8 | place.rawValue))
  }

  package var embedding: Dropout { at(.embedding) }

  func selfAttention(layer: Int) -> AttentionDropout {
    AttentionDropout(
      probabilities: at(.probabilities, layer: layer), output: at(.attention, layer: layer))
  }

  func crossAttention(layer: Int) -> AttentionDropout {
    AttentionDropout(
      probabilities: at(.crossProbabilities, layer: layer),
      output: at(.crossAttention, layer: layer))
  }

  func feedForward(layer: Int) -> Dropout { at(.feedForward, layer: layer) }
}
