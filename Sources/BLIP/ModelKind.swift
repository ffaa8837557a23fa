public import Checkpoints

/// What a model can do, by the parts that its checkpoint has.
public enum ModelKind: String, Sendable {
  /// Both encoders with their ITC heads, and ITM.
  case retrieval
  /// The image encoder and the text decoder.
  case captioning
  /// A pre-training checkpoint, which has all parts.
  case both

  /// Whether it has a text encoder, for search.
  public var hasEncoder: Bool { self != .captioning }
  /// Whether it has a text decoder, for captions.
  public var hasDecoder: Bool { self != .retrieval }

  /// The kind of a folder's model. Throws an error naming a tensor of its parts that is missing, has a
  /// wrong shape or is not used.
  public init(of folder: ModelFolder) throws {
    let (configuration, weights) = (folder.configuration, folder.weights)
    let parts = Set(weights.names.compactMap { $0.split(separator: ".").first })
    switch (parts.contains("text_encoder"), parts.contains("text_decoder")) {
    case (true, true): self = .both
    case (false, true): self = .captioning
    // The error for a model with neither names what is missing.
    case (_, false): self = .retrieval
    }
    var expected = try ImageEncoder(configuration).shapes()
    if hasEncoder {
      let words = TextEmbedding.words(configuration.text)
      expected[words.name] = words.shape
      for shapes in [
        try TextEncoder(configuration, weights: weights).shapes(),
        try MatchHead(configuration.text).shapes(),
      ] {
        expected.merge(shapes) { $1 }
      }
    } else {
      // A caption checkpoint has no ITC head.
      expected = expected.filter { !$0.key.hasPrefix("vision_proj.") }
    }
    if hasDecoder {
      expected.merge(try TextDecoder(configuration.text, weights: weights).shapes()) { $1 }
    }
    try weights.requireExactly(expected, ignoring: { _ in false })
  }
}
