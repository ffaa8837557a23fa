import ArgumentParser
import Glibc
import Images
import Retrieval

struct SearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Finds pictures by a text, or pictures like a picture.",
    discussion: """
      EXAMPLES
        blip search "a dog running on a beach"
        blip search "two people dancing" -k 50 --html dancing.html
        blip search ./holiday.jpg --paths | xargs -d '\\n' ls -l
        blip search "a cat" --rerank 64 --min-match 0.5 --json
        blip search "a cat" --under animals/pets
      """)

  @Argument(help: ArgumentHelp("What to look for: a text, or a picture file.", valueName: "text"))
  var query: String

  @OptionGroup var ranking: RankingOptions

  @Option(
    help: ArgumentHelp(
      "Rerank as many as this time allows, such as 300ms or 2s, and at most --rerank or 256.",
      valueName: "time"),
    transform: Self.duration)
  var budget: Duration?

  @Option(
    name: .customLong("under"),
    help: ArgumentHelp(
      "Only pictures in this folder of the collection and below it.", valueName: "folder"))
  var folder: String?

  @Flag(name: .customLong("json"), help: "Write one JSON object a line.")
  var writesJSON = false

  @Flag(name: .customLong("paths"), help: "Write absolute paths only, one a line.")
  var writesPaths = false

  @Option(
    help: ArgumentHelp(
      "Write a page of the pictures found, complete in one file.", valueName: "file"))
  var html: String?

  @OptionGroup var nearest: NearestOptions
  @OptionGroup var index: IndexOption
  @OptionGroup var model: ModelOption
  @OptionGroup var precision: PrecisionOption

  private static func duration(_ text: String) throws -> Duration {
    for (unit, seconds) in [("ms", 0.001), ("s", 1.0)] where text.hasSuffix(unit) {
      if let number = Double(text.dropLast(unit.count)), number > 0, number <= 86_400_000 {
        return .seconds(number * seconds)
      }
    }
    throw ValidationError("Give a time with its unit, such as 300ms or 2s.")
  }

  func validate() throws {
    if query.allSatisfy(\.isWhitespace) {
      throw ValidationError("The query is empty: say what to look for.")
    }
    if writesJSON && writesPaths {
      throw ValidationError("--json and --paths exclude each other.")
    }
    if folder?.isEmpty == true { throw ValidationError("--under names no folder.") }
    if html?.isEmpty == true { throw ValidationError("--html names no file.") }
    if PictureArgument.isPicture(query), ranking.depth ?? 0 > 0 || ranking.minimumMatch != nil {
      throw ValidationError(
        "--rerank and --min-match are for texts: pictures are compared by their cosine.")
    }
    if budget != nil, PictureArgument.isPicture(query) || ranking.depth == 0 {
      throw ValidationError(
        "--budget is for reranking, which a picture or --rerank 0 goes without.")
    }
  }

  func run() throws {
    let isPicture = PictureArgument.isPicture(query)
    if isPicture { try PictureArgument.check(query) }
    let searcher = try Searcher(
      index: index.path(), modelPath: model.path(), precision: precision.precision,
      cache: CacheLocation.standard)
    let hits: [PictureHit]
    if isPicture {
      hits = try searcher.search(
        pictureAt: query, count: ranking.count, options: nearest.options(folder: folder))
    } else {
      QueryText.note(query, model: searcher.model)
      hits = try searcher.search(
        text: query, count: ranking.count, rerankDepth: ranking.depth,
        minimumMatch: ranking.minimumMatch, budget: budget, options: nearest.options(folder: folder)
      )
    }
    try write(hits)
    if let html {
      let page = ResultPage(
        query: isPicture ? .picture(query) : .text(query), metadata: try searcher.metadata(),
        hits: hits)
      try page.write(to: html)
      Console.note("wrote \(printable(html))")
    }
    if hits.isEmpty { Console.note("nothing found") }
  }

  private func write(_ hits: [PictureHit]) throws {
    if writesJSON {
      try Console.output.write(hits.map { $0.json.text + "\n" }.joined())
    } else if writesPaths {
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

/// An argument that may name a picture file.
enum PictureArgument {
  /// Whether the text is meant as a picture: it ends like one, and it names a file or looks like a
  /// path rather than like words.
  static func isPicture(_ text: String) -> Bool {
    guard let dot = text.lastIndex(of: "."),
      ImageDecoder.extensions.contains(text[text.index(after: dot)...].lowercased())
    else { return false }
    return access(text, F_OK) == 0 || !text.contains(where: \.isWhitespace)
  }

  /// Throws where the file is not there, before a model is loaded for it.
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
