internal import Checkpoints

/// How the map of a word is made of ITM's cross-attentions. The default is the best that is known for the
/// model; others are for measuring.
public struct ExplanationMethod: Sendable, Hashable {
  /// What a head's attention to the patches counts for.
  public enum Weighting: String, Sendable, CaseIterable {
    /// The attention times its gradient of the match logit, where that is positive: Grad-CAM, as ALBEF
    /// and BLIP draw it.
    case gradient
    /// The attention alone.
    case attention
  }

  /// The layers whose maps are added, from 0 on; nil: those known to point best.
  public var layers: ClosedRange<Int>?
  /// What the attention counts for; nil: what is known to point best.
  public var weighting: Weighting?

  /// A method of the given parts.
  public init(layers: ClosedRange<Int>? = nil, weighting: Weighting? = nil) {
    self.layers = layers
    self.weighting = weighting
  }

  /// Layers and weighting for a model; throws if it has not all of the layers.
  func resolved(
    for configuration: ModelConfiguration, _ folder: String
  ) throws(BLIPError) -> (layers: ClosedRange<Int>, weighting: Weighting) {
    let count = configuration.text.layers
    if let layers, layers.lowerBound < 0 || layers.upperBound >= count {
      throw BLIPError(
        "\(folder): cross-attention layers \(layers.lowerBound) to \(layers.upperBound), but the model has "
          + "the layers 0 to \(count - 1)")
    }
    let best = Self.best(for: configuration)
    return (layers ?? best.layers, weighting ?? best.weighting)
  }

  /// Of the small models with a convolutional stem, what the pointing game chose for the default one
  /// (`Benchmarks/grounding`): the attention of its second to fourth layer of six, in which gradients add
  /// nothing. Of a published BLIP, what its own code draws: Grad-CAM of the eighth of twelve layers.
  private static func best(
    for configuration: ModelConfiguration
  ) -> (layers: ClosedRange<Int>, weighting: Weighting) {
    let count = configuration.text.layers
    guard configuration.vision.stem != nil else {
      let layer = max(count * 2 / 3 - 1, 0)
      return (layer...layer, .gradient)
    }
    return (count / 6...count / 2, .attention)
  }
}
