import ArgumentParser
import BLIP
import Files
import Retrieval

struct CapFiltCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capfilt",
    abstract: "Bootstrap a cleaner captioned data set from a noisy one (CapFilt).",
    usage: "blip capfilt [<options>] <captions> --out <set>",
    discussion: """
      EXAMPLES
        blip capfilt captions.json --images photos --out bootstrapped.json
        blip train bootstrapped.json --images photos --out run

      Every picture gets a synthetic caption by nucleus sampling. It and the existing captions are \
      compared with the picture; those whose probability is above the threshold form the new \
      set: BLIP's list of {"image", "caption"}, which blip train reads, each with its source: web, \
      synthetic or human.

      The results of each picture are logged next to the set (SET.scores.jsonl). After an \
      interruption the same command resumes from there, and another threshold needs no new scores.
      """)

  @Argument(
    help: ArgumentHelp(
      "Captions file, in any format that blip index reads.", valueName: "captions"))
  var captions: String

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Filter") var filter: FilterOptions
  @OptionGroup(title: "Model") var model: ModelOption
  @OptionGroup(title: "Model") var precision: PrecisionOption

  /// The set to write, and what it is made from.
  struct DataOptions: ParsableArguments {
    @Option(
      name: .customLong("out"),
      help: ArgumentHelp("File to write the new set to.", valueName: "set"))
    var out: String

    @Option(
      name: .customLong("human"),
      help: ArgumentHelp(
        "Captions file written by people; added to the set unfiltered.", valueName: "file"))
    var human: String?

    @Option(
      name: .customLong("seed"),
      help: ArgumentHelp("Random seed of the synthetic captions.", valueName: "number"))
    var seed: UInt64 = 1
  }

  private var out: String { data.out }

  func validate() throws {
    if captions.isEmpty { throw ValidationError("The captions file must not be empty.") }
    if data.human?.isEmpty == true { throw ValidationError("--human must not be empty.") }
    if out.isEmpty { throw ValidationError("--out must not be empty.") }
    if out == captions || out == data.human {
      throw ValidationError("--out would overwrite the captions.")
    }
  }

  func run() async throws {
    Interruption.watch()
    let inputs = try captionedPictures(captions, images: filter.images)
    let human = try data.human.map { try captionedPictures($0, images: filter.images) } ?? []
    let capFilt = try await CapFilt(
      model: model.path(), precision: precision.precision,
      sampling: NucleusSettings(seed: data.seed), cache: CacheLocation.standard,
      decoder: DecodeCommand.decoder)
    let log = try ScoreLog(
      "\(out).scores.jsonl",
      by: .capFilt(capFilt.description, captioner: capFilt.captionerDescription))
    let results = try await score(inputs, log: log, results: capFilt.results)
    let counts = try write(
      results, human, above: filter.threshold ?? capFilt.usualThreshold,
      isCalibrated: capFilt.isCalibrated)
    try Console.output.write(counts.table)
    try counts.end()
  }

  /// Writes the set: the texts kept, picture by picture, then those written by people.
  private func write(
    _ pictures: [[FilteredText]], _ human: [FilterInput], above threshold: Float,
    isCalibrated: Bool
  ) throws -> FilterCounts {
    var file = try FilterFile(out, isList: true)
    var counts = FilterCounts()
    for text in pictures.joined() {
      let isKept = text.isKept(above: threshold)
      counts.add(text, isKept: isKept)
      if isKept { try file.write(text.json(threshold: nil, isCalibrated: isCalibrated)) }
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
