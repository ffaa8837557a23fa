import ArgumentParser

/// How many results are shown, and how they are ranked.
struct RankingOptions: ParsableArguments {
  static let defaultCount = 10
  static let countBounds = 1...10_000

  @Option(
    name: .customShort("k", allowingJoined: true),
    help: ArgumentHelp("Number of results. (default: \(defaultCount))", valueName: "count"))
  var givenCount: Int?

  @Option(
    name: .customLong("rerank"),
    help: ArgumentHelp(
      "Rerank the best N with ITM; 0 turns reranking off. (default: depends on the model)",
      valueName: "n"))
  var depth: Int?

  @Option(
    name: .customLong("min-match"),
    help: ArgumentHelp(
      "Omit results with a probability below P, 0 to 1.",
      valueName: "p"))
  var minimumMatch: Float?

  var count: Int { givenCount ?? Self.defaultCount }
  var isGiven: Bool { givenCount != nil || depth != nil || minimumMatch != nil }

  func validate() throws {
    guard count >= 1 else { throw ValidationError("-k must be 1 or more.") }
    if let depth, depth < 0 || depth > Self.countBounds.upperBound {
      throw ValidationError("--rerank must be from 0 to 10,000.")
    }
    if let minimumMatch, !(0...1).contains(minimumMatch) {
      throw ValidationError("--min-match must be from 0 to 1.")
    }
  }
}
