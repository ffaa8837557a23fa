extension MatchExplanation {
  /// The explanation as `blip explain --json` writes it.
  public var json: JSONOutput {
    .object([
      ("text", .string(text)), ("probability", probability.map { .float($0) }),
      ("itm", .float(matchLogit)), ("match_probability", .float(probability ?? matchProbability)),
      ("cosine", .float(cosine)), ("rows", .integer(rows)), ("columns", .integer(columns)),
      ("words", .array(words.map(\.json))),
    ])
  }
}

extension MatchExplanation.Word {
  fileprivate var json: JSONOutput {
    .object([
      ("text", .string(text)), ("start", .integer(range.lowerBound)),
      ("end", .integer(range.upperBound)), ("stop_word", isStopWord ? .boolean(true) : nil),
      ("strength", .float(strength)), ("weights", .array(weights.map { .float($0) })),
    ])
  }
}
