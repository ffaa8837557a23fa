internal import Tensors

/// Dropout of the text side as BERT has it: of the embeddings, of every attention's probabilities,
/// and of what attentions and feed-forward layers add to their input. What is left out is a function
/// of the key alone, so that a repeated step leaves out the same.
public struct DropoutPlan: Sendable, Equatable {
  /// The share that is left out.
  public let probability: Float
  /// Decides what is left out: another one for every step.
  public let key: UInt64

  /// A plan of the given probability, from 0 to below 1.
  public init(probability: Float, key: UInt64) {
    precondition(probability >= 0 && probability < 1)
    self.probability = probability
    self.key = key
  }

  /// The three ways the text side is run, which leave out different things.
  enum Way: UInt64 { case unimodal = 1, grounded, decoder }

  /// The same for one way.
  func of(_ way: Way) -> DropoutPlan {
    DropoutPlan(probability: probability, key: mixed(key, way.rawValue))
  }

  /// Where something is left out in a layer.
  enum Place: UInt64 {
    case embedding, probabilities, attention, lookProbabilities, look, feedForward
  }

  func at(_ place: Place, layer: Int = 0) -> Dropout {
    Dropout(probability: probability, key: mixed(key, UInt64(layer) << 8 | place.rawValue))
  }
}
