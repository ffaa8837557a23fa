import ArgumentParser
import Files
import Retrieval

struct SearchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Search pictures by text, or find pictures similar to a picture.",
    discussion: """
      EXAMPLES
        blip search "a dog running on a beach"
        blip search "two people dancing" -k 50 --html dancing.html
        blip search "a beach" + "at night" - people
        blip search ./holiday.jpg + "in the snow"
        blip search ./holiday.jpg --paths -0 | xargs -0 ls -l
        blip search "a cat" --rerank 64 --min-match 0.5 --json
        blip search "a cat" --under animals/pets --since 2024-05 --portrait

      \(QueryArguments.rules)
      """)

  @OptionGroup var query: QueryArguments
  @OptionGroup(title: "Ranking") var ranking: RankingOptions
  @OptionGroup(title: "Ranking") var time: TimeLimit
  @OptionGroup(title: "Filters") var filters: PictureFilterOptions
  @OptionGroup(title: "Search") var reading: Reading
  @OptionGroup(title: "Search") var grouping: Grouping
  @OptionGroup(title: "Search") var nearest: NearestOptions
  @OptionGroup(title: "Output") var output: SearchOutput
  @OptionGroup(title: "Index and model") var index: IndexOption
  @OptionGroup(title: "Index and model") var model: ModelOption
  @OptionGroup(title: "Index and model") var precision: PrecisionOption

  /// How arguments are read.
  struct Reading: ParsableArguments {
    @Flag(
      name: .customLong("text"),
      help: "Every argument is a text, even one that looks like a picture file.")
    var isText = false
  }

  /// How hits are put together.
  struct Grouping: ParsableArguments {
    @Flag(
      name: .customLong("all"),
      help: "Show near-identical pictures one by one, not as one result.")
    var showsAlike = false
  }

  func validate() throws {
    let isReranked = try query.expression(isText: reading.isText).canBeReranked
    if !isReranked, ranking.depth ?? 0 > 0 || ranking.minimumMatch != nil {
      throw ValidationError(
        "--rerank and --min-match require a text query: pictures are compared by cosine alone.")
    }
    if time.budget != nil, !isReranked || ranking.depth == 0 {
      throw ValidationError(
        "--budget requires reranking: a text query, and no --rerank 0.")
    }
  }

  func run() async throws {
    let expression = try query.readExpression(isText: reading.isText)
    let index = try await PictureIndex.open(
      index.pathReportingCrashes(), model: model.path(), precision: precision.precision,
      cache: CacheLocation.standard, decoder: DecodeCommand.decoder)
    var options = try SearchOptions(
      ranking, nearest, budget: time.budget, filter: filters.filter())
    // Programs that read paths get every file.
    options.collapsesAlike = !grouping.showsAlike && !output.isPaths
    let query = try await index.query(expression)
    let hits = try await index.search(query, options: options)
    // What is found by pictures too has no calibration.
    if expression.pictures.isEmpty { hits.note(saysImprobable: !output.isJSON) }
    for text in query.texts { text.note() }
    try output.write(hits)
    if let html = output.html {
      let page = ResultPage(query: expression, metadata: try index.metadata, hits: hits)
      try page.write(to: html)
      Console.note("wrote \(printable(html))")
    }
    if hits.isEmpty { Console.note("no results" + (try await emptied(index))) }
  }

  /// Which of the filters left no picture to search, if one did.
  private func emptied(_ index: PictureIndex) async throws -> String {
    guard let emptied = try await index.emptyingCondition(of: filters.filter()) else { return "" }
    return ": \(printable(filters.text(of: emptied.condition))) left none of "
      + counted(emptied.pictures, "picture")
  }
}

/// How long reranking may take.
struct TimeLimit: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Rerank as many as fit in this time, such as 300ms or 2s, up to --rerank or 256.",
      valueName: "time"),
    transform: Self.duration)
  var budget: Duration?

  private static func duration(_ text: String) throws -> Duration {
    for (unit, seconds) in [("ms", 0.001), ("s", 1.0)] where text.hasSuffix(unit) {
      if let number = Double(text.dropLast(unit.count)), number > 0, number <= 86_400_000 {
        return .seconds(number * seconds)
      }
    }
    throw ValidationError("Give a time with its unit, such as 300ms or 2s.")
  }
}
