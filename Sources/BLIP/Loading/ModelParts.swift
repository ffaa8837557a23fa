internal import Checkpoints

/// The parts of a model, checked against its checkpoint; their weights are still to be loaded.
struct ModelParts: Sendable {
  let image: ImageEncoder
  let text: TextEncoder
  let match: MatchHead
  let decoder: TextDecoder
  /// Whether it is a captioner, which has no text encoder and no ITC and ITM heads.
  let onlyCaptions: Bool

  /// Throws an error naming a tensor that is missing, has a wrong shape or is not used, or what the
  /// configuration has that is not supported.
  init(of folder: ModelFolder, for use: BLIPModel.Use) throws {
    let (configuration, weights) = (folder.configuration, folder.weights)
    let words = TextEmbedding.words(configuration.text)
    onlyCaptions = use == .captions && weights.shape(of: words.name) == nil
    image = try ImageEncoder(configuration, hasProjection: !onlyCaptions)
    text = TextEncoder(configuration, weights: weights)
    match = MatchHead(configuration.text)
    decoder = TextDecoder(configuration.text, weights: weights)
    if use == .captions, !TextDecoder.isPresent(in: weights) {
      throw BLIPError(
        "\(folder.path): the model has no text decoder and cannot caption; use one that has, such as "
          + "Salesforce/blip-image-captioning-base or the default model")
    }
    var expected = try image.shapes()
    func expect(_ part: some ModelPart) throws {
      expected.merge(try part.shapes()) { _, _ in
        preconditionFailure("a parameter belongs to one part")
      }
    }
    if use == .captions { try expect(decoder) }
    if !onlyCaptions {
      try expect(text)
      try expect(match)
      expected[words.name] = words.shape
    }
    try weights.requireExactly(expected, ignoring: { $0.hasPrefix("text_decoder.") })
  }
}
