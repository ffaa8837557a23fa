import ArgumentParser
import BLIP
import Files

/// How captions are generated.
struct GenerationOptions: ParsableArguments {
  @Option(
    name: .customLong("beams"),
    help: ArgumentHelp(
      "Beam search with N beams; 1 is greedy decoding. (default: 3)", valueName: "n"))
  var beams: Int?

  @Flag(name: .customLong("sample"), help: "Use nucleus sampling, as CapFilt does.")
  var samples = false

  @Option(
    name: .customLong("top-p"),
    help: ArgumentHelp(
      "With --sample: sample from the smallest set of tokens whose probabilities add up to P. "
        + "(default: 0.9)",
      valueName: "p"))
  var topP: Double?

  @Option(
    name: .customLong("seed"),
    help: ArgumentHelp("With --sample: random seed. (default: 1)", valueName: "number"))
  var seed: UInt64?

  @Option(
    name: .customLong("max-length"),
    help: ArgumentHelp(
      "Maximum length in tokens, including the start token and the prompt. (default: 20)",
      valueName: "n"))
  var maximumLength: Int?

  @Option(
    name: .customLong("min-length"),
    help: ArgumentHelp("Minimum length, counted the same way. (default: 5)", valueName: "n"))
  var minimumLength: Int?

  @Option(
    name: .customLong("prompt"),
    help: ArgumentHelp(
      "Prompt that captions continue; removed from the output. (default: "
        + "\"\(GenerationSettings.prompt)\" for captioning models, none for pre-trained ones)",
      valueName: "text"))
  var prompt: String?

  func validate() throws {
    let settings = settings
    if let beams, !(1...64 ~= beams) { throw ValidationError("--beams must be from 1 to 64.") }
    if samples, beams != nil {
      throw ValidationError("--sample cannot be combined with --beams.")
    }
    if !samples, topP != nil || seed != nil {
      throw ValidationError("--top-p and --seed require --sample.")
    }
    if let topP, !(topP > 0 && topP <= 1) {
      throw ValidationError("--top-p must be greater than 0 and at most 1.")
    }
    guard 2...512 ~= settings.maximumLength else {
      throw ValidationError("--max-length must be from 2 to 512.")
    }
    guard 0...settings.maximumLength ~= settings.minimumLength else {
      throw ValidationError("--min-length must be from 0 to --max-length.")
    }
  }

  var settings: GenerationSettings {
    var settings = GenerationSettings()
    if samples {
      var nucleus = NucleusSettings(seed: seed ?? 1)
      nucleus.topP = topP ?? nucleus.topP
      settings.method = .nucleus(nucleus)
    } else if let beams {
      settings.method = beams == 1 ? .greedy : .beams(BeamSettings(count: beams))
    }
    settings.maximumLength = maximumLength ?? settings.maximumLength
    settings.minimumLength =
      minimumLength ?? min(settings.minimumLength, settings.maximumLength)
    settings.prompt = prompt
    return settings
  }
}
