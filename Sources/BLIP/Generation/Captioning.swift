import Random
internal import Checkpoints
public import Tensors
internal import Tokenization

/// A caption that the decoder generated for a picture.
public struct Caption: Sendable, Equatable {
  /// The text after the prompt.
  public let text: String
  /// [DEC], the prompt, the caption, and [SEP] if the caption is complete.
  public let tokens: [Int32]
  /// Of a beam search: the sum of log probabilities, normalised by length as the settings say.
  public let score: Float?
}

extension BLIPModel {
  /// The settings, with the prompt that the model was trained with if they have none: "a picture of "
  /// for a captioner, which has no text encoder, nothing for a pre-trained model.
  public func completed(_ settings: GenerationSettings) -> GenerationSettings {
    var settings = settings
    let isPretrained = TextEncoder.isPresent(in: folder.weights, folder.configuration.text)
    settings.prompt = settings.prompt ?? (isPretrained ? "" : GenerationSettings.prompt)
    return settings
  }

  /// Memory for the pictures' keys and values: as many pictures are captioned at once as fit.
  private static let captioningBytes = 256 << 20

  /// A caption for each picture.
  ///
  /// Throws if the model has no decoder or the settings are invalid.
  /// - Parameters:
  ///   - features: Patch features, as `features(of:)` returns them.
  ///   - keys: Nucleus sampling for a picture depends on its key and the settings' seed alone; 0, 1, …
  ///     by default.
  public func captions(
    of features: [Matrix], _ settings: GenerationSettings, keys: [UInt64]? = nil
  ) throws -> [Caption] {
    let width = folder.configuration.text.encoderHiddenSize
    if let picture = features.first(where: { $0.columns != width || $0.rows == 0 }) {
      throw BLIPError(
        "\(folder.path): patch features of \(picture.rows)×\(picture.columns), but the model has a "
          + "width of \(width); they may come from another model")
    }
    let keys = keys ?? features.indices.map { UInt64($0) }
    precondition(keys.count == features.count)
    var captions: [Caption] = []
    while captions.count < features.count {
      let next = captions.count..<min(captions.count + picturesAtOnce(features), features.count)
      captions += try hypotheses(of: Array(features[next]), settings, keys: Array(keys[next]))
        .map { caption(try best($0), settings) }
    }
    return captions
  }

  /// Number of pictures that `captions` works on at once.
  private func picturesAtOnce(_ features: [Matrix]) -> Int {
    let configuration = folder.configuration.text
    let rows = features.map(\.rows).max() ?? 1
    let bytes = 8 * rows * configuration.hiddenSize * configuration.layers
    return max(1, min(32, Self.captioningBytes / bytes))
  }

  /// All sequences found for each picture, best first.
  func hypotheses(
    of features: [Matrix], _ settings: GenerationSettings, keys: [UInt64]
  ) throws -> [[Hypothesis]] {
    let decoder = try textDecoder()
    let prompt = promptTokens(settings)
    try settings.check(for: folder.configuration.text, prompt: prompt)
    let rules = TokenRules(settings, end: folder.configuration.text.separatorToken)
    let searches = keys.map { key -> any TokenSearch in
      switch settings.method {
      case .beams(let beams) where beams.count > 1:
        BeamSearch(beams, rules, prompt: prompt)
      case .greedy, .beams:
        TokenSampling(nil, rules, prompt: prompt, draws: CounterRandom(key: key))
      case .nucleus(let nucleus):
        TokenSampling(
          nucleus, rules, prompt: prompt,
          draws: CounterRandom(key: nucleus.seed).part(Int(truncatingIfNeeded: key)))
      }
    }
    do {
      return try decoder.generate(
        prompt, pictures: features, maximumLength: settings.maximumLength, searches: searches)
    } catch let error as BLIPError { throw BLIPError("\(folder.path): \(error)") }
  }

  /// [DEC] and the prompt, without [SEP].
  private func promptTokens(_ settings: GenerationSettings) -> [Int32] {
    let prompt = completed(settings).prompt ?? ""
    let text = tokenizer.encode(prompt, maximumLength: settings.maximumLength + 2)
    return [folder.configuration.text.decoderToken] + text.dropFirst().dropLast()
  }

  private func best(_ found: [Hypothesis]) throws(BLIPError) -> Hypothesis {
    guard let best = found.first else { throw .notNumbers }
    return best
  }

  private func caption(_ hypothesis: Hypothesis, _ settings: GenerationSettings) -> Caption {
    let spoken = hypothesis.tokens.dropFirst(promptTokens(settings).count)
    // BERT's words end at an apostrophe; English words do not.
    let text = tokenizer.decode(Array(spoken)).replacing(" ' ", with: "'")
    var score: Float?
    if case .beams(let beams) = settings.method, beams.count > 1 { score = hypothesis.score }
    return Caption(text: text, tokens: hypothesis.tokens, score: score)
  }
}
