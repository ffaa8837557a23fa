import ArgumentParser
import Retrieval

struct MatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "match",
    abstract: "Find the texts that describe a picture.",
    usage: "blip match [<options>] <picture>",
    discussion: """
      EXAMPLES
        blip match ./holiday.jpg -k 5
        blip match ./holiday.jpg --text "a beach" --text "a mountain"

      Without --text, the texts of an index are searched. With --text, the given texts are ranked \
      by how likely they are to match the picture; no index is needed.
      """)

  @Argument(help: ArgumentHelp("The picture file.", valueName: "picture"))
  var picture: String

  @OptionGroup(title: "Search") var search: Texts
  @OptionGroup(title: "Search") var nearest: NearestOptions
  @OptionGroup(title: "Ranking") var ranking: RankingOptions
  @OptionGroup(title: "Output") var json: JSONOption
  @OptionGroup(title: "Index and model") var index: IndexOption
  @OptionGroup(title: "Index and model") var model: ModelOption
  @OptionGroup(title: "Index and model") var precision: PrecisionOption

  /// Texts to compare with, instead of those of an index.
  struct Texts: ParsableArguments {
    @Option(
      name: .customLong("text"),
      help: ArgumentHelp(
        "Text to compare the picture with; can be repeated.", valueName: "text"))
    var texts: [String] = []
  }

  private var texts: [String] { search.texts }

  func validate() throws {
    if picture.isEmpty { throw ValidationError("The picture must not be empty.") }
    if texts.contains(where: { $0.allSatisfy(\.isWhitespace) }) {
      throw ValidationError("--text must not be empty.")
    }
    if !texts.isEmpty && (ranking.isGiven || nearest.isGiven || index.given != nil) {
      throw ValidationError(
        "--text cannot be combined with --index, -k, --rerank, --min-match, --exact or --nprobe.")
    }
  }

  func run() async throws {
    try PictureArgument.check(picture)
    let hits: [TextHit]
    if texts.isEmpty {
      let index = try await PictureIndex.open(
        index.pathReportingCrashes(), model: model.path(), precision: precision.precision,
        cache: CacheLocation.standard)
      hits = try await index.match(picture: picture, options: SearchOptions(ranking, nearest))
    } else {
      let model = try model.load(precision: precision.precision)
      let queries = try texts.map { try TextQuery($0, model: model) }
      for query in queries { query.note() }
      hits = try match(pictureAt: picture, texts: queries, model: model)
    }
    if let hit = hits.first, hit.probability == nil, hit.matchProbability != nil {
      Console.noteUncalibrated()
    }
    try write(hits)
    if hits.isEmpty { Console.note("no results") }
  }

  private func write(_ hits: [TextHit]) throws {
    if json.isGiven {
      try Console.output.write(hits.map { $0.json.text + "\n" }.joined())
    } else {
      let rows = hits.map {
        RankedRow(
          figure: RankedFigure(probability: $0.probability, match: $0.matchProbability),
          cosine: $0.cosine, text: $0.text,
          notes: $0.path.map { [$0] } ?? [])
      }
      try Console.output.write(Table.ranked(rows, heading: "text", console: .output))
    }
  }
}

extension TextHit {
  var json: JSONOutput {
    .object(
      [("text", .string(text))] + (pathBytes.map { JSONOutput.path($0, "path") } ?? []) + [
        ("cosine", .float(cosine)), ("probability", probability.map { .float($0) }),
        ("itm", matchLogit.map { .float($0) }),
        ("match_probability", matchProbability.map { .float($0) }),
      ])
  }
}
