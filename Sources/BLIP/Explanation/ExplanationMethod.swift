internal import Checkpoints

/// How the map of a word is made of ITM's cross-attentions. The default is what the pointing game chose
/// (`Benchmarks/grounding`); others are for measuring.
public struct ExplanationMethod: Sendable, Hashable {
  /// What a head's attention to the patches counts for.
  public enum Weighting: String, Sendable, CaseIterable {
    /// The attention times its gradient of the match logit, where that is positive: Grad-CAM, as ALBEF
    /// and BLIP draw it.
    case gradient
    /// The attention alone.
    case attention
  }

  /// The layers whose maps are added, from 0 on; nil: those that are measured to point best.
  public var layers: ClosedRange<Int>?
  /// What the attention counts for.
  public var weighting: Weighting

  /// A method of the given parts.
  public init(layers: ClosedRange<Int>? = nil, weighting: Weighting = .gradient) {
    self.layers = layers
    self.weighting = weighting
  }

  /// The layers to add in a model of so many; throws if it has not all of them.
  func layers(of count: Int, _ folder: String) throws(BLIPError) -> ClosedRange<Int> {
    guard let layers else {
      return Self.measuredLayers(of: count)
    }
    guard layers.lowerBound >= 0, layers.upperBound < count else {
      throw BLIPError(
        "\(folder): layers \(layers.lowerBound) to \(layers.upperBound), but the model has the layers 0 to "
          + "\(count - 1)")
    }
    return layers
  }

  /// The default model's, at the same depth of a model of any number of layers.
  private static func measuredLayers(of count: Int) -> ClosedRange<Int> {
    let layer = min(count * 2 / 3, count - 1)
    return layer...layer
  }
}
