internal import Checkpoints

/// How captions are made from what the decoder says of the next token. Names, defaults and meaning
/// are those of Hugging Face's `generate`; lengths and prompt those of BLIP's caption evaluation.
public struct GenerationSettings: Sendable, Equatable {
  /// How a sequence is continued.
  public enum Method: Sendable, Equatable {
    /// By the likeliest token.
    case greedy
    /// By the likeliest sequences found.
    case beams(BeamSettings)
    /// By a token drawn from the likeliest ones.
    case nucleus(NucleusSettings)
  }

  /// How a sequence is continued: with 3 beams.
  public var method = Method.beams(BeamSettings(count: 3))
  /// What every caption goes on from; it is no part of the caption. Nil: what the model was trained
  /// with (`BLIPModel.completed`).
  public var prompt: String?
  /// A sequence ends no earlier, counted in tokens, [DEC] and the prompt among them.
  public var minimumLength = 5
  /// A sequence ends here, counted alike.
  public var maximumLength = 20
  /// Divides the logits above 0 of tokens that a sequence has (multiplies those below): 1 changes
  /// nothing (Keskar et al. 2019, CTRL).
  public var repetitionPenalty: Float = 1

  /// What captioners are trained and evaluated with; pre-training has no prompt.
  public static let prompt = "a picture of "

  /// BLIP's.
  public init() {}
}

/// A beam search.
public struct BeamSettings: Sendable, Equatable {
  /// Sequences that are followed at once.
  public var count: Int
  /// A sequence's score is the sum of its log probabilities, divided by lengthᵖᵉⁿᵃˡᵗʸ.
  public var lengthPenalty: Float = 1
  /// When the search ends that has `count` finished sequences.
  public var earlyStopping = EarlyStopping.likely

  /// When a search ends; `early_stopping` of `generate`.
  public enum EarlyStopping: Sendable, Equatable {
    /// Once there are enough finished ones (`True`).
    case always
    /// Once none that is followed would do better if it ended now (`False`).
    case likely
    /// Once none that is followed can do better (`"never"`).
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
  /// What logits are divided by before.
  public var temperature: Float = 1
  /// What all draws depend on, with the key of the picture.
  public var seed: UInt64

  /// BLIP's, for CapFilt.
  public init(seed: UInt64) { self.seed = seed }
}

extension GenerationSettings: CustomStringConvertible {
  /// All of it in a few words: two settings that say the same make the same captions.
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
  /// Throws what is wrong with the settings for a model; `prompt`: in tokens, [DEC] first.
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
      "the prompt takes \(prompt.count) of at most \(maximumLength) tokens; nothing is left to say")
    try require(
      0...maximumLength ~= minimumLength,
      "captions of at least \(minimumLength) and at most \(maximumLength) tokens")
    try require(
      repetitionPenalty > 0 && repetitionPenalty.isFinite,
      "a repetition penalty of \(repetitionPenalty)")
    switch method {
    case .greedy: break
    case .beams(let beams):
      try require(1...64 ~= beams.count, "\(beams.count) beams; 1 to 64 can be followed")
      try require(beams.lengthPenalty.isFinite, "a length penalty of \(beams.lengthPenalty)")
    case .nucleus(let nucleus):
      try require(nucleus.topP > 0 && nucleus.topP <= 1, "a top-p of \(nucleus.topP)")
      try require(
        nucleus.temperature > 0 && nucleus.temperature.isFinite,
        "a temperature of \(nucleus.temperature)")
    }
  }
}
