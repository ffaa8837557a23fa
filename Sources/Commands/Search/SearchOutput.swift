import ArgumentParser
import Files
import Images
import Retrieval

/// What a search writes.
struct SearchOutput: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print one JSON object per line.")
  var isJSON = false

  @Flag(name: .customLong("paths"), help: "Print only absolute paths, one per line.")
  var isPaths = false

  @Flag(
    name: [.customShort("0"), .customLong("null")],
    help: "With --paths: end each path with a NUL byte, for xargs -0.")
  var endsWithNull = false

  @Flag(
    help: ArgumentHelp(
      "Draw a thumbnail of each result in the terminal: by the protocols of kitty, sixel or "
        + "iTerm, or in coloured characters."))
  var preview = false

  @Option(
    help: ArgumentHelp(
      "Write the results to a self-contained HTML page.", valueName: "file"))
  var html: String?

  func validate() throws {
    if isJSON && isPaths { throw ValidationError("--json cannot be combined with --paths.") }
    if preview && (isJSON || isPaths) {
      throw ValidationError("--preview cannot be combined with --json or --paths.")
    }
    if endsWithNull && !isPaths { throw ValidationError("-0 (--null) requires --paths.") }
    if html?.isEmpty == true { throw ValidationError("--html must not be empty.") }
  }

  /// Writes the hits to standard output.
  func write(_ hits: [PictureHit]) throws {
    if isJSON {
      try Console.output.write(hits.map { $0.json.text + "\n" }.joined())
    } else if isPaths {
      let end: UInt8 = endsWithNull ? 0 : .newline
      try Console.output.write(hits.flatMap { $0.locationBytes + [end] })
    } else {
      let rows = hits.map {
        RankedRow(
          figure: RankedFigure(probability: $0.probability, match: $0.matchProbability),
          cosine: $0.cosine, text: $0.path,
          notes: $0.notes + ($0.alike.isEmpty ? [] : [$0.alikeNote]))
      }
      if preview && Console.output.isTerminal {
        try PreviewList(console: .output).write(rows, locations: hits.map(\.locationBytes))
      } else {
        if preview { Console.note("--preview draws in a terminal only; here is the table") }
        try Console.output.write(Table.ranked(rows, heading: "picture", console: .output))
      }
    }
  }
}

extension PictureHit {
  /// How many near-identical pictures there are beside it.
  var alikeNote: String { "+\(alike.count) alike" }

  /// The captions, those that a model generated marked, and where words of the query were found.
  var notes: [String] {
    captions.map { generatedCaptions.contains($0) ? "\($0) (generated)" : $0 }
      + (matchedIn.map { [$0] } ?? [])
  }

  /// "found in: caption, folder"; nil where no words were found.
  var matchedIn: String? {
    evidence.isEmpty
      ? nil : "found in: " + evidence.map(\.rawValue).joined(separator: ", ")
  }
}
