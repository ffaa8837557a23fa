internal import BLIP

/// The parameters that a run does not train: those that were named, and those that its objective does
/// not use.
public struct Freezing: Sendable {
  private let frozen: Set<String>

  /// - Parameters:
  ///   - names: `stem` (all of the convolutional stem), `vision` (the image encoder with its projection),
  ///     `text` (the unimodal text encoder with its projection, but not the cross-attentions), or
  ///     prefixes of parameters' names.
  ///   - parameters: The names of all parameters.
  /// - Throws: Naming a name that no parameter has, and if nothing is left to train.
  public init(
    _ names: [String], objective: Objective, parameters: [String]
  ) throws(TrainingError) {
    var frozen = Set(parameters.filter(objective.leavesOut))
    for name in names {
      let named = parameters.filter { Self.covers(name, $0) }
      // A stem that is all frozen is not part of the trainable model, and a model may have none.
      guard !named.isEmpty || name == "stem" else {
        throw TrainingError(
          "no parameters to freeze are called \"\(name)\"; use stem, vision, text or the prefix of a "
            + "parameter's name, such as text_encoder.encoder.layer.0.")
      }
      frozen.formUnion(named)
    }
    guard frozen.count < Set(parameters).count else {
      throw TrainingError("all parameters are frozen; nothing is left to train")
    }
    self.frozen = frozen
  }

  /// Whether a parameter is not trained.
  public func contains(_ parameter: String) -> Bool { frozen.contains(parameter) }

  private static func covers(_ name: String, _ parameter: String) -> Bool {
    switch name {
    case "stem": ConvolutionalStem.has(parameter)
    case "vision": Tower.vision.has(parameter)
    case "text": Tower.text.has(parameter)
    default: !name.isEmpty && parameter.hasPrefix(name)
    }
  }
}

/// The two unimodal encoders, each with its projection, which ITC trains.
enum Tower {
  case vision, text

  /// Whether a parameter belongs to it.
  func has(_ parameter: String) -> Bool {
    switch self {
    case .vision: parameter.hasPrefix("vision_model.") || parameter.hasPrefix("vision_proj.")
    case .text:
      parameter.hasPrefix("text_proj.")
        || parameter.hasPrefix("text_encoder.") && !parameter.contains(".crossattention.")
    }
  }
}
