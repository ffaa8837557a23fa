import ArgumentParser
import BLIP
import Files
import Images
import Retrieval

struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show what each word of a text matched in a picture.",
    usage: "blip explain [<options>] <picture> <text>",
    discussion: """
      EXAMPLES
        blip explain ./holiday.jpg "a dog on a beach"
        blip explain ./holiday.jpg "a dog on a beach" --out map.png

      For each word: where in the picture the model looks when it says how well the text matches, \
      and how strongly, relative to the strongest word. Words such as "the" and "of" are left out, \
      except with --json. No index is needed.
      """)

  @Argument(help: ArgumentHelp("The picture file; - is standard input.", valueName: "picture"))
  var picture: String

  @Argument(help: ArgumentHelp("The text to explain.", valueName: "text"))
  var text: String

  @OptionGroup(title: "Output") var output: Output
  @OptionGroup(title: "Output") var json: JSONOption
  @OptionGroup(title: "Index and model") var model: ModelOption
  @OptionGroup(title: "Index and model") var precision: PrecisionOption

  /// What is written besides the table, and how maps are made.
  struct Output: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Write the picture once per word, with the word's map over it, to a PNG file.",
        valueName: "file"))
    var out: String?

    @Option(
      help: ArgumentHelp(
        "Layers of cross-attention whose maps are added, such as 2 or 2-4: for measurements.",
        valueName: "layers", visibility: .hidden),
      transform: Self.layers)
    var layers: ClosedRange<Int>?

    @Option(
      help: ArgumentHelp(
        "What an attention counts for: for measurements.", valueName: "weighting",
        visibility: .hidden),
      transform: Self.weighting)
    var weighting: ExplanationMethod.Weighting?

    var method: ExplanationMethod {
      var method = ExplanationMethod()
      if let layers { method.layers = layers }
      if let weighting { method.weighting = weighting }
      return method
    }

    private static func layers(_ text: String) throws -> ClosedRange<Int> {
      let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
        0 <= first, first <= last
      else { throw ValidationError("Give a layer, such as 2, or a range, such as 2-4.") }
      return first...last
    }

    private static func weighting(_ text: String) throws -> ExplanationMethod.Weighting {
      guard let weighting = ExplanationMethod.Weighting(rawValue: text) else {
        let names = ExplanationMethod.Weighting.allCases.map(\.rawValue)
        throw ValidationError("Choose \(names.joined(separator: " or ")).")
      }
      return weighting
    }
  }

  func validate() throws {
    if picture.isEmpty { throw ValidationError("The picture must not be empty.") }
    if text.allSatisfy(\.isWhitespace) { throw ValidationError("The text must not be empty.") }
    if let out = output.out, !out.lowercased().hasSuffix(".png") {
      throw ValidationError("--out writes a PNG file; its name must end in .png.")
    }
  }

  func run() async throws {
    let source = try PictureArgument.source(picture)
    let matcher = try await TextMatcher(
      model: model.path(), precision: precision.precision, cache: CacheLocation.standard,
      decoder: DecodeCommand.decoder)
    let query = try matcher.query(text)
    query.note()
    let explanation = try await matcher.explain(source, query, method: output.method)
    if explanation.probability == nil { Console.noteUncalibrated() }
    if let out = output.out { try write(explanation, of: source, to: out) }
    try Console.output.write(
      json.isGiven ? explanation.json.text + "\n" : explanation.table(console: .output))
  }

  private func write(
    _ explanation: MatchExplanation, of source: PictureSource, to path: String
  ) throws {
    let words = explanation.shownWords
    guard !words.isEmpty else {
      throw CommandFailure("no words in '\(printable(text))' to draw")
    }
    let picture = try DecodeCommand.decoder.picture(source, forSide: nil)
    let sheet = ExplanationSheet(picture, explanation, words: words).drawn()
    try AtomicFile.write(sheet.png(), to: path)
  }
}

extension MatchExplanation {
  /// The words that say something of a picture; all, if none does.
  fileprivate var shownWords: [Word] {
    let telling = words.filter { !$0.isStopWord }
    return telling.isEmpty ? words : telling
  }

  fileprivate func table(console: Console) -> String {
    let figure = RankedFigure(probability: probability, match: matchProbability)!.named
    let heading = "\(figure.name) \(percent(figure.value)), cosine \(fixed(Double(cosine), 4))\n"
    let rows = shownWords.enumerated().map { index, word in
      ["\(index + 1)", printable(word.text), place(of: word), percent(word.strength)]
    }
    return heading
      + (rows.isEmpty
        ? ""
        : Table.aligned(
          [["", "word", "where", "strength"]] + rows, rightAligned: [0, 3]))
  }

  /// Where a word's greatest weight is, by thirds of the picture: "top left", "centre".
  private func place(of word: Word) -> String {
    let peak = word.peak(columns: columns)
    func third(_ cell: Int, of cells: Int, _ names: [String]) -> String {
      names[min((2 * cell + 1) * 3 / (2 * cells), 2)]
    }
    let vertical = third(peak.row, of: rows, ["top", "", "bottom"])
    let horizontal = third(peak.column, of: columns, ["left", "", "right"])
    let names = [vertical, horizontal].filter { !$0.isEmpty }
    return names.isEmpty ? "centre" : names.joined(separator: " ")
  }
}
