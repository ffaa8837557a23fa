import ArgumentParser
import Retrieval

struct MatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "match",
    abstract: "Finds the texts that say what a picture shows.",
    discussion: """
      Without --text it looks through the texts of an index; with --text it compares the picture \
      with the given texts, the likeliest first, and needs no index.

      EXAMPLES
        blip match ./holiday.jpg -k 5
        blip match ./holiday.jpg --text "a beach" --text "a mountain"
      """)

  @Argument(help: ArgumentHelp("The picture file.", valueName: "picture"))
  var picture: String

  @Option(
    name: .customLong("text"),
    help: ArgumentHelp("A text to compare the picture with; can be repeated.", valueName: "text"))
  var texts: [String] = []

  @OptionGroup var ranking: RankingOptions

  @Flag(name: .customLong("json"), help: "Write one JSON object a line.")
  var writesJSON = false

  @OptionGroup var nearest: NearestOptions
  @OptionGroup var index: IndexOption
  @OptionGroup var model: ModelOption
  @OptionGroup var precision: PrecisionOption

  func validate() throws {
    if picture.isEmpty { throw ValidationError("The picture has no name.") }
    if texts.contains(where: { $0.allSatisfy(\.isWhitespace) }) {
      throw ValidationError("A --text is empty: say what the picture may show.")
    }
    if !texts.isEmpty && (ranking.isGiven || nearest.isGiven || index.given != nil) {
      throw ValidationError(
        "--text compares the given texts: it goes without --index, -k, --rerank, --min-match, "
          + "--exact and --nprobe.")
    }
  }

  func run() throws {
    try PictureArgument.check(picture)
    let hits: [TextHit]
    if texts.isEmpty {
      let searcher = try Searcher(
        index: index.path(), modelPath: model.path(), precision: precision.precision,
        cache: CacheLocation.standard)
      hits = try searcher.match(
        pictureAt: picture, count: ranking.count, rerankDepth: ranking.depth,
        minimumMatch: ranking.minimumMatch, options: nearest.options())
    } else {
      let model = try model.load(precision: precision.precision)
      for text in texts { QueryText.note(text, model: model) }
      hits = try match(pictureAt: picture, texts: texts, model: model)
    }
    try write(hits)
    if hits.isEmpty { Console.note("nothing found") }
  }

  private func write(_ hits: [TextHit]) throws {
    if writesJSON {
      try Console.output.write(hits.map { $0.json.text + "\n" }.joined())
    } else {
      let rows = hits.map {
        RankedRow(
          matchProbability: $0.matchProbability, cosine: $0.cosine, text: $0.text,
          notes: $0.path.map { [$0] } ?? [])
      }
      try Console.output.write(Table.ranked(rows, heading: "text", console: .output))
    }
  }
}

extension TextHit {
  var json: JSONOutput {
    .object([
      ("text", .string(text)), ("path", path.map { .string($0) }), ("cosine", .float(cosine)),
      ("itm", matchLogit.map { .float($0) }),
      ("match_probability", matchProbability.map { .float($0) }),
    ])
  }
}
