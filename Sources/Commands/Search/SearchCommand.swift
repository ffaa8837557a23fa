import ArgumentParser
import Files
import Glibc
import Images
import Retrieval

struct SearchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Search pictures by text, or find pictures similar to a picture.",
    discussion: """
      EXAMPLES
        blip search "a dog running on a beach"
        blip search "two people dancing" -k 50 --html dancing.html
        blip search ./holiday.jpg --paths | xargs -d '\\n' ls -l
        blip search "a cat" --rerank 64 --min-match 0.5 --json
        blip search "a cat" --under animals/pets
      """)

  @Argument(help: ArgumentHelp("Text to search for, or a picture file.", valueName: "query"))
  var query: String

  @OptionGroup(title: "Ranking") var ranking: RankingOptions
  @OptionGroup(title: "Ranking") var time: TimeLimit
  @OptionGroup(title: "Search") var scope: Scope
  @OptionGroup(title: "Search") var nearest: NearestOptions
  @OptionGroup(title: "Output") var output: Output
  @OptionGroup(title: "Index and model") var index: IndexOption
  @OptionGroup(title: "Index and model") var model: ModelOption
  @OptionGroup(title: "Index and model") var precision: PrecisionOption

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

  /// Which pictures are searched.
  struct Scope: ParsableArguments {
    @Option(
      name: .customLong("under"),
      help: ArgumentHelp(
        "Search only this folder of the collection and its subfolders.", valueName: "folder"))
    var folder: String?
  }

  /// What is written.
  struct Output: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print one JSON object per line.")
    var isJSON = false

    @Flag(name: .customLong("paths"), help: "Print only absolute paths, one per line.")
    var isPaths = false

    @Option(
      help: ArgumentHelp(
        "Write the results to a self-contained HTML page.", valueName: "file"))
    var html: String?
  }

  func validate() throws {
    if query.allSatisfy(\.isWhitespace) {
      throw ValidationError("The query must not be empty.")
    }
    if output.isJSON && output.isPaths {
      throw ValidationError("--json cannot be combined with --paths.")
    }
    if scope.folder?.isEmpty == true { throw ValidationError("--under must not be empty.") }
    if output.html?.isEmpty == true { throw ValidationError("--html must not be empty.") }
    if PictureArgument.isPicture(query), ranking.depth ?? 0 > 0 || ranking.minimumMatch != nil {
      throw ValidationError(
        "--rerank and --min-match require a text query: pictures are compared by cosine alone.")
    }
    if time.budget != nil, PictureArgument.isPicture(query) || ranking.depth == 0 {
      throw ValidationError(
        "--budget requires reranking: a text query, and no --rerank 0.")
    }
  }

  func run() async throws {
    let isPicture = PictureArgument.isPicture(query)
    if isPicture { try PictureArgument.check(query) }
    let index = try await PictureIndex.open(
      index.pathReportingCrashes(), model: model.path(), precision: precision.precision,
      cache: CacheLocation.standard)
    let options = SearchOptions(ranking, nearest, budget: time.budget, folder: scope.folder)
    let hits: [PictureHit]
    if isPicture {
      hits = try await index.search(picture: query, options: options)
    } else {
      let query = try await index.query(query)
      query.note()
      hits = try await index.search(query, options: options)
    }
    try write(hits)
    if let html = output.html {
      let page = ResultPage(
        query: isPicture ? .picture(query) : .text(query), metadata: try index.metadata,
        hits: hits)
      try page.write(to: html)
      Console.note("wrote \(printable(html))")
    }
    if hits.isEmpty { Console.note("no results") }
  }

  private func write(_ hits: [PictureHit]) throws {
    if output.isJSON {
      try Console.output.write(hits.map { $0.json.text + "\n" }.joined())
    } else if output.isPaths {
      try Console.output.write(hits.flatMap { $0.locationBytes + [UInt8(ascii: "\n")] })
    } else {
      let rows = hits.map {
        RankedRow(
          matchProbability: $0.matchProbability, cosine: $0.cosine, text: $0.path,
          notes: $0.captions)
      }
      try Console.output.write(Table.ranked(rows, heading: "picture", console: .output))
    }
  }
}

/// A query argument that may be a picture file.
enum PictureArgument {
  /// Whether the text means a picture: it has a picture's extension, and either names a file or has no
  /// spaces, as a path rather than words.
  static func isPicture(_ text: String) -> Bool {
    guard let dot = text.lastIndex(of: "."),
      ImageDecoder.extensions.contains(text[text.index(after: dot)...].lowercased())
    else { return false }
    return access(text, F_OK) == 0 || !text.contains(where: \.isWhitespace)
  }

  /// Throws if the file cannot be read, before a model is loaded for it.
  static func check(_ path: String) throws(CommandFailure) {
    guard access(path, R_OK) == 0 else {
      throw CommandFailure(
        "cannot read the picture \(path): \(String(cString: strerror(errno)))")
    }
  }
}

extension PictureHit {
  var json: JSONOutput {
    .object([
      ("path", .string(path)), ("location", .string(location)), ("cosine", .float(cosine)),
      ("itm", matchLogit.map { .float($0) }),
      ("match_probability", matchProbability.map { .float($0) }),
      ("captions", captions.isEmpty ? nil : .array(captions.map { .string($0) })),
    ])
  }
}
