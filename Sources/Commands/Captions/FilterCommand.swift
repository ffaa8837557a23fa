import ArgumentParser
import Retrieval
import Training

struct FilterCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filter",
    abstract: "Tells texts that say what their picture shows from those that do not.",
    discussion: """
      CapFilt's filter: every text of an index, or of a captions file, is held against its picture by \
      ITM, and kept where the match probability is above the threshold. The index is not changed.

      Files ending in .json are written as BLIP's list of {"image", "caption"}, which blip train \
      reads; others with one JSON object a line.

      EXAMPLES
        blip filter --index indexes/photos --html noise.html
        blip filter captions.json --images photos --kept kept.json --dropped dropped.jsonl
      """)

  @Argument(
    help: ArgumentHelp(
      "A captions file, as blip index and blip train read it; without one, the texts of an index.",
      valueName: "captions"))
  var captions: String?

  @Option(
    name: .customLong("images"),
    help: ArgumentHelp(
      "The folder that the names in the captions file count from.", valueName: "dir"))
  var images: String?

  @Option(
    name: .customLong("threshold"),
    help: ArgumentHelp(
      "Keep texts whose match probability is above P.", valueName: "p"))
  var threshold: Float = 0.5

  @Option(
    name: .customLong("kept"), help: ArgumentHelp("Write the texts kept.", valueName: "file"))
  var kept: String?

  @Option(
    name: .customLong("dropped"),
    help: ArgumentHelp("Write the texts dropped, and why.", valueName: "file"))
  var dropped: String?

  @Option(
    name: .customLong("html"),
    help: ArgumentHelp(
      "Write a page of the most certain drops and keeps, with thumbnails.", valueName: "file"))
  var html: String?

  @OptionGroup var index: IndexOption
  @OptionGroup var model: ModelOption
  @OptionGroup var precision: PrecisionOption

  func validate() throws {
    if !(0...1).contains(threshold) { throw ValidationError("--threshold must be from 0 to 1.") }
    if captions?.isEmpty == true { throw ValidationError("The captions file has no name.") }
    if captions == nil, images != nil {
      throw ValidationError("--images goes with a captions file.")
    }
    if captions != nil, index.given != nil {
      throw ValidationError(
        "--index filters the texts of an index: it goes without a captions file.")
    }
    for file in [kept, dropped, html] where file?.isEmpty == true {
      throw ValidationError("A file to write has no name.")
    }
    let files = [kept, dropped, html].compactMap { $0 }
    if Set(files).count < files.count { throw ValidationError("Two files to write are the same.") }
  }

  func run() async throws {
    Interruption.watch()
    let (filter, inputs) = try source()
    var keptFile = try kept.map { try FilterFile($0, isList: $0.hasSuffix(".json")) }
    var droppedFile = try dropped.map { try FilterFile($0, isList: $0.hasSuffix(".json")) }
    var counts = FilterCounts()
    var page = FilterPage(threshold: threshold, model: filter.modelName)
    var bar = ProgressBar("pictures", console: .error)
    bar.start("pictures", total: inputs.count)
    var done = 0
    let isWhole = try await filter.run(inputs, shouldStop: { Interruption.signal != nil }) {
      texts in
      for text in texts {
        let isKept = text.isKept(above: threshold)
        counts.add(text, isKept: isKept)
        page.consider(text, isKept: isKept)
        if isKept {
          try keptFile?.write(text.json(threshold: nil))
        } else {
          try droppedFile?.write(text.json(threshold: threshold))
        }
      }
      done += 1
      bar.advance(to: done)
    }
    bar.clear()
    guard isWhole else {
      Console.note("stopped; no file was written")
      throw ExitCode(128 + (Interruption.signal ?? 0))
    }
    try keptFile?.commit()
    try droppedFile?.commit()
    if let html {
      try page.write(to: html)
      Console.note("wrote \(printable(html))")
    }
    try Console.output.write(counts.table)
  }

  private func source() throws -> (MatchFilter, [FilterInput]) {
    guard let captions else {
      let path = try index.path()
      let filter = try MatchFilter(
        index: path, modelPath: model.path(), precision: precision.precision,
        decoder: DecodeCommand.decoder, cache: CacheLocation.standard)
      let inputs = try filter.indexed()
      guard !inputs.isEmpty else {
        throw CommandFailure(
          "\(path): no picture of the index has a text; give some (blip index --captions), or make "
            + "some (blip caption)")
      }
      return (filter, inputs)
    }
    let inputs = try captionedInputs(captions, images: images)
    let filter = MatchFilter(
      model: try model.load(precision: precision.precision), decoder: DecodeCommand.decoder)
    return (filter, inputs)
  }
}
