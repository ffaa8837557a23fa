import ArgumentParser
import BLIP
import Retrieval

struct CapFiltCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capfilt",
    abstract: "Makes a cleaner captioned set out of a noisy one (CapFilt).",
    discussion: """
      Every picture gets a synthetic caption, drawn by nucleus sampling; that and the captions it has \
      are held against it by ITM, and those whose match probability is above the threshold are the \
      new set: BLIP's list of {"image", "caption"}, which blip train reads as it is, each with its \
      source: web, synthetic or human.

      What was found of each picture is kept beside the set (SET.scores.jsonl): the same command goes \
      on from there after a stop, and another threshold costs nothing.

      EXAMPLES
        blip capfilt captions.json --images photos --out bootstrapped.json
        blip train bootstrapped.json --images photos --out model
      """)

  @Argument(
    help: ArgumentHelp(
      "A captions file, as blip index and blip train read it.", valueName: "captions"))
  var captions: String

  @Option(
    name: .customLong("images"),
    help: ArgumentHelp(
      "The folder that the names in the captions file count from.", valueName: "dir"))
  var images: String?

  @Option(
    name: .customLong("human"),
    help: ArgumentHelp(
      "A captions file that people wrote: it is taken into the set as it is.", valueName: "file"))
  var human: String?

  @Option(
    name: .customLong("out"), help: ArgumentHelp("Write the set.", valueName: "set"))
  var out: String

  @Option(
    name: .customLong("threshold"),
    help: ArgumentHelp(
      "Keep texts whose match probability is above P.", valueName: "p"))
  var threshold: Float = 0.5

  @Option(
    name: .customLong("seed"),
    help: ArgumentHelp("What the draws depend on.", valueName: "number"))
  var seed: UInt64 = 1

  @OptionGroup var model: ModelOption
  @OptionGroup var precision: PrecisionOption

  func validate() throws {
    if !(0...1).contains(threshold) { throw ValidationError("--threshold must be from 0 to 1.") }
    if captions.isEmpty { throw ValidationError("The captions file has no name.") }
    if human?.isEmpty == true { throw ValidationError("--human names no file.") }
    if out.isEmpty { throw ValidationError("--out names no file.") }
    if out == captions || out == human {
      throw ValidationError("--out would write over the captions.")
    }
  }

  func run() async throws {
    Interruption.watch()
    let inputs = try captionedInputs(captions, images: images)
    let known = try human.map { try captionedInputs($0, images: images) } ?? []
    var settings = GenerationSettings()
    settings.method = .nucleus(NucleusSettings(seed: seed))
    let capFilt = CapFilt(
      model: try model.load(precision: precision.precision, use: .captions), settings: settings,
      decoder: DecodeCommand.decoder)
    let log = try CapFiltLog("\(out).scores.jsonl", captioner: capFilt.description)

    let wanted = inputs.filter { log.results(of: $0) == nil }
    let present = inputs.count - wanted.count
    if present > 0 { Console.note("\(counted(present, "picture")) had been looked at already") }
    var bar = ProgressBar("pictures", console: .error)
    bar.start("pictures", total: wanted.count)
    defer { bar.clear() }
    var (done, unread) = (0, [String: [FilteredText]]())
    let isWhole = try await capFilt.run(wanted, shouldStop: { Interruption.signal != nil }) {
      texts in
      try log.append(texts)
      if let first = texts.first, case .failure(let error) = first.match {
        unread[first.picture] = texts
        bar.clear()
        Console.note(printable(error.description))
      }
      done += 1
      bar.advance(to: done)
    }
    bar.clear()
    guard isWhole else {
      Console.note("stopped; what is done is kept, and the same command goes on from here")
      throw ExitCode(128 + (Interruption.signal ?? 0))
    }
    let counts = try write(inputs.map { log.results(of: $0) ?? unread[$0.name] ?? [] }, known)
    try Console.output.write(counts.table)
  }

  /// Writes the set: what is kept of the texts, picture by picture, then what people wrote.
  private func write(_ pictures: [[FilteredText]], _ human: [FilterInput]) throws -> FilterCounts {
    var file = try FilterFile(out, isList: true)
    var counts = FilterCounts()
    for text in pictures.joined() {
      let isKept = text.isKept(above: threshold)
      counts.add(text, isKept: isKept)
      if isKept { try file.write(text.json(threshold: nil)) }
    }
    for picture in human {
      for (text, _) in picture.texts {
        try file.write(
          .object([
            ("image", .string(picture.name)), ("caption", .string(text)),
            ("source", .string("human")),
          ]))
      }
    }
    counts.addHuman(human.reduce(0) { $0 + $1.texts.count })
    try file.commit()
    return counts
  }
}
