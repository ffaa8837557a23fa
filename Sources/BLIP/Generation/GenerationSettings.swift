internal import Checkpoints

/// How captions are generated from the decoder's logits. Names, defaults and meaning are those of
/// Hugging Face's `generate`; lengths and prompt those of BLIP's caption evaluation.
public struct GenerationSettings: Sendable, Equatable {
  /// How the next token is chosen.
  public enum Method: Sendable, Equatable {
    /// The likeliest token.
    case greedy
    /// The tokens of the likeliest sequences found.
    case beams(BeamSettings)
    /// A token drawn from the likeliest ones.
    case nucleus(NucleusSettings)
  }

  /// How the next token is chosen: by default with 3 beams.
  public var method = Method.beams(BeamSettings(count: 3))
  /// A prompt that captions continue; removed from the output. Nil for the one that the model was
  /// trained with (`BLIPModel.completed`).
  public var prompt: String?
  /// The least length of a sequence in tokens, including [DEC] and the prompt.
  public var minimumLength = 5
  /// The greatest length of a sequence, counted likewise.
  public var maximumLength = 20
  /// Positive logits of tokens that a sequence has already are divided by this, negative ones
  /// multiplied; 1 for no penalty (Keskar et al. 2019, CTRL).
  public var repetitionPenalty: Float = 1

  /// The prompt that captioners are trained and evaluated with; pre-training has none.
  public static let prompt = "a picture of "

  /// BLIP's settings.
  public init() {}
}

/// Settings of a beam search.
public struct BeamSettings: Sendable, Equatable {
  /// Number of beams.
  public var count: Int
  /// A sequence's score is the sum of its log probabilities, divided by lengthᵖᵉⁿᵃˡᵗʸ.
  public var lengthPenalty: Float = 1
  /// When the search ends once it has `count` finished sequences.
  public var earlyStopping = EarlyStopping.likely

  /// When a search ends; `early_stopping` of `generate`.
  public enum EarlyStopping: Sendable, Equatable {
    /// At once (`True`).
    case always
    /// When no running sequence would score better if it ended now (`False`).
    case likely
    /// When no running sequence can still score better (`"never"`).
    case never
  }

  /// With the defaults of `generate`.
  public init(count: Int) { self.count = count }
}

/// Nucleus sampling (Holtzman et al. 2020): a token is drawn from the fewest likeliest ones whose
/// probabilities reach `topP`.
public struct NucleusSettings: Sendable, Equatable {
  /// Above 0, to 1.
  public var topP = 0.9
  /// What logits are divided by first.
  public var temperature: Float = 1
  /// Determines all draws, together with the key of the picture.
  public var seed: UInt64

  /// BLIP's settings for CapFilt.
  public init(seed: UInt64) { self.seed = seed }
}

extension GenerationSettings: CustomStringConvertible {
  /// A summary of all settings: two with the same summary generate the same captions.
  public var description: String {
    var words =
      switch method {
      case .greedy: "greedy"
      case .beams(let beams): beams.description
      case .nucleus(let nucleus): nucleus.description
      }
    words += ", length \(minimumLength) to \(maximumLength)"
    if repetitionPenalty != 1 { words += ", repetition penalty \(repetitionPenalty)" }
    return words + (prompt.map { ", prompt \"\($0)\"" } ?? "")
  }
}

extension BeamSettings {
  fileprivate var description: String {
    var words = "\(count) beams"
    if lengthPenalty != 1 { words += ", length penalty \(lengthPenalty)" }
    if earlyStopping != .likely { words += ", stopping \(earlyStopping)" }
    return words
  }
}

extension NucleusSettings {
  fileprivate var description: String {
    "top-p \(topP), " + (temperature == 1 ? "" : "temperature \(temperature), ") + "seed \(seed)"
  }
}

extension GenerationSettings {
  /// Throws if the settings are invalid for a model.
  /// - Parameter prompt: In tokens, [DEC] first.
  func check(for configuration: TextConfiguration, prompt: [Int32]) throws(BLIPError) {
    func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(BLIPError) {
      if !holds { throw BLIPError(otherwise()) }
    }
    try require(
      maximumLength <= configuration.maximumPositions,
      "captions of up to \(maximumLength) tokens; the model takes \(configuration.maximumPositions)"
    )
    try require(
      prompt.count < maximumLength,
      "the prompt takes \(prompt.count) of at most \(maximumLength) tokens; none is left for the caption"
    )
    try require(
      0...maximumLength ~= minimumLength,
      "captions of at least \(minimumLength) and at most \(maximumLength) tokens")
    try require(
      repetitionPenalty > 0 && repetitionPenalty.isFinite,
      "a repetition penalty of \(repetitionPenalty)")
    switch method {
    case .greedy: break
    case .beams(let beams):
      try require(1...64 ~= beams.count, "\(beams.count) beams; 1 to 64 are supported")
      try require(beams.lengthPenalty.isFinite, "a length penalty of \(beams.lengthPenalty)")
    case .nucleus(let nucleus):
      try require(nucleus.topP > 0 && nucleus.topP <= 1, "a top-p of \(nucleus.topP)")
      try require(
        nucleus.temperature > 0 && nucleus.temperature.isFinite,
        "a temperature of \(nucleus.temperature)")
    }
  }
}
