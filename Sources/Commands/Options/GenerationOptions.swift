import ArgumentParser
import BLIP

/// How captions are generated.
struct GenerationOptions: ParsableArguments {
  @Option(
    name: .customLong("beams"),
    help: ArgumentHelp(
      "Follow N sequences; 1 takes the likeliest word (default: 3).", valueName: "n"))
  var beams: Int?

  @Flag(
    name: .customLong("sample"),
    help: "Draw words from the likeliest ones (nucleus sampling), as CapFilt does.")
  var samples = false

  @Option(
    name: .customLong("top-p"),
    help: ArgumentHelp(
      "With --sample: draw from the fewest words whose probabilities reach P (default: 0.9).",
      valueName: "p"))
  var topP: Double?

  @Option(
    name: .customLong("seed"),
    help: ArgumentHelp("With --sample: what the draws depend on (default: 1).", valueName: "number")
  )
  var seed: UInt64?

  @Option(
    name: .customLong("max-length"),
    help: ArgumentHelp(
      "The most tokens of a caption, its beginning and the prompt among them (default: 20).",
      valueName: "n"))
  var maximumLength: Int?

  @Option(
    name: .customLong("min-length"),
    help: ArgumentHelp("The fewest, counted alike (default: 5).", valueName: "n"))
  var minimumLength: Int?

  @Option(
    name: .customLong("prompt"),
    help: ArgumentHelp(
      "What captions go on from; it is left out (default: \"\(GenerationSettings.prompt)\" for a "
        + "captioner's model, nothing for a pre-trained one).",
      valueName: "text"))
  var prompt: String?

  func validate() throws {
    let settings = settings
    if let beams, !(1...64 ~= beams) { throw ValidationError("--beams must be from 1 to 64.") }
    if samples, beams != nil { throw ValidationError("--sample goes without --beams.") }
    if !samples, topP != nil || seed != nil {
      throw ValidationError("--top-p and --seed go with --sample.")
    }
    if let topP, !(topP > 0 && topP <= 1) {
      throw ValidationError("--top-p must be above 0, to 1.")
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
