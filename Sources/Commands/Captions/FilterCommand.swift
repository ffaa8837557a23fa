import ArgumentParser
import Files
import Retrieval

struct FilterCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filter",
    abstract: "Separate captions that match their picture from those that do not.",
    usage: "blip filter [<options>] [<captions>]",
    discussion: """
      EXAMPLES
        blip filter --index indexes/photos --html noise.html
        blip filter captions.json --images photos --kept kept.json
        blip filter captions.json --images photos --dropped noise.jsonl

      CapFilt's filter: every text of an index, or of a captions file, is compared with its \
      picture; texts whose probability (that of blip match) is above the threshold are kept. The \
      index is not changed.

      Files ending in .json are written as BLIP's list of {"image", "caption"}, which blip train \
      reads; other files with one JSON object per line.

      Scores are logged next to the first file written (FILE.scores.jsonl). After an interruption \
      the same command resumes from there, and another threshold needs no new scores.
      """)

  @Argument(
    help: ArgumentHelp(
      "Captions file, in any format that blip index reads. (default: the texts of an index)",
      valueName: "captions"))
  var captions: String?

  @OptionGroup(title: "Filter") var filter: FilterOptions
  @OptionGroup(title: "Output") var output: Output
  @OptionGroup(title: "Index and model") var index: IndexOption
  @OptionGroup(title: "Index and model") var model: ModelOption
  @OptionGroup(title: "Index and model") var precision: PrecisionOption

  /// What is written.
  struct Output: ParsableArguments {
    @Option(
      name: .customLong("kept"), help: ArgumentHelp("Write the texts kept.", valueName: "file"))
    var kept: String?

    @Option(
      name: .customLong("dropped"),
      help: ArgumentHelp("Write the texts dropped, with the reasons.", valueName: "file"))
    var dropped: String?

    @Option(
      name: .customLong("html"),
      help: ArgumentHelp(
        "Write an HTML page of the texts dropped and kept with most certainty.",
        valueName: "file"))
    var html: String?

    private var files: [String] { [kept, dropped, html].compactMap { $0 } }

    /// Where scores are logged; nil if no file is written.
    var log: String? { files.first.map { "\($0).scores.jsonl" } }

    func validate() throws {
      guard files.allSatisfy({ !$0.isEmpty }) else {
        throw ValidationError("--kept, --dropped and --html must not be empty.")
      }
      guard Set(files).count == files.count else {
        throw ValidationError("--kept, --dropped and --html must name different files.")
      }
    }
  }

  func validate() throws {
    if captions?.isEmpty == true { throw ValidationError("The captions file must not be empty.") }
    if captions == nil, filter.images != nil {
      throw ValidationError("--images requires a captions file.")
    }
    if captions != nil, index.given != nil {
      throw ValidationError("--index cannot be combined with a captions file.")
    }
  }

  func run() async throws {
    Interruption.watch()
    let (matcher, inputs) = try await source()
    var keptFile = try output.kept.map { try FilterFile($0, isList: $0.hasSuffix(".json")) }
    var droppedFile = try output.dropped.map { try FilterFile($0, isList: $0.hasSuffix(".json")) }
    let log = try output.log.map { try ScoreLog($0, by: .filter(matcher.description)) }
    let results = try await score(inputs, log: log, results: matcher.results)
    let threshold = filter.threshold ?? matcher.usualThreshold
    var counts = FilterCounts()
    var page = FilterPage(
      threshold: threshold, model: matcher.modelName, isCalibrated: matcher.isCalibrated)
    for text in results.joined() {
      let isKept = text.isKept(above: threshold)
      counts.add(text, isKept: isKept)
      page.consider(text, isKept: isKept)
      if isKept {
        try keptFile?.write(text.json(threshold: nil, isCalibrated: matcher.isCalibrated))
      } else {
        try droppedFile?.write(text.json(threshold: threshold, isCalibrated: matcher.isCalibrated))
      }
    }
    try keptFile?.commit()
    try droppedFile?.commit()
    if let html = output.html {
      try page.write(to: html)
      Console.note("wrote \(printable(html))")
    }
    try Console.output.write(counts.table)
    try counts.end()
  }

  private func source() async throws -> (MatchFilter, [FilterInput]) {
    guard let captions else {
      let path = try index.pathReportingCrashes()
      let matcher = try await MatchFilter(
        index: path, model: model.path(), precision: precision.precision,
        cache: CacheLocation.standard, decoder: DecodeCommand.decoder)
      let inputs = try matcher.indexedTexts()
      guard !inputs.isEmpty else {
        throw CommandFailure(
          "\(path): no picture of the index has a text; add texts with blip index --captions or blip "
            + "caption")
      }
      return (matcher, inputs)
    }
    let inputs = try captionedPictures(captions, images: filter.images)
    let matcher = try await MatchFilter(
      model: model.path(), precision: precision.precision, cache: CacheLocation.standard,
      decoder: DecodeCommand.decoder)
    return (matcher, inputs)
  }
}
