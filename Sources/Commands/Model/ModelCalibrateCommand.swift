import ArgumentParser
import BLIP
import Captions
import Checkpoints
import Evaluation
import Files
import Retrieval

struct ModelCalibrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Measure how likely a model's results are right.",
    usage: "blip model calibrate [<options>] <model> <captions> --images <dir>",
    discussion: """
      EXAMPLES
        blip model calibrate run/best captions.json --images photos
        blip model calibrate blip-coco captions.json --images photos --dry-run

      Captions, and phrases out of them, are searched for among all pictures, and pictures among all \
      captions. How the scores of right and wrong results differ is written to the model's \
      config.json (blip.calibration); from then on results are ordered by the probability that \
      they are right. Use pictures that the model was not trained on; some hundreds are enough. \
      Every second one is used to measure the result. Where pictures have several captions, one of \
      each is searched for by the others too: what words count beside pictures is fitted with it.

      Indexes built with the model stay valid.
      """)

  @Argument(
    help: ArgumentHelp(
      "Model folder, or OWNER/NAME of a model fetched with blip model pull.", valueName: "model"))
  var model: String

  @Argument(
    help: ArgumentHelp(
      "Captions file, in any format that blip bench reads.", valueName: "captions"))
  var captions: String

  @OptionGroup(title: "Data") var data: BenchDataOptions
  @OptionGroup(title: "Data") var bank: Bank
  @OptionGroup(title: "Model") var precision: PrecisionOption
  @OptionGroup(title: "Output") var output: Output

  /// Texts that ship with the model.
  struct Bank: ParsableArguments {
    @Option(
      name: .customLong("bank"),
      help: ArgumentHelp(
        "Texts of many kinds, one per line; pictures that are near to all of them are corrected for. "
          + "(default: those that the model has)", valueName: "file"))
    var file: String?

    /// Embeds the texts and writes them into the model folder.
    func write(to model: String, _ precision: Precision) throws {
      guard let file else { return }
      let bytes: [UInt8]
      do { bytes = try FileSystem.read(Array(file.utf8), limit: 64 << 20).bytes } catch {
        throw CommandFailure("\(printable(file)): cannot be read: \(error)")
      }
      var texts: [String] = []
      var known: Set<String> = []
      for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
        let text = String(line)
        if text.contains(where: { !$0.isWhitespace }), known.insert(text).inserted {
          texts.append(text)
        }
      }
      let folder = try ModelFolder(path: model)
      try TextBank(texts, by: BLIPModel(folder: folder, precision: precision)).write(to: model)
      Console.note("\(printable(model)): \(counted(texts.count, "text")) to find hubs by")
    }
  }

  /// What is written.
  struct Output: ParsableArguments {
    @Flag(name: .customLong("dry-run"), help: "Only show the result; do not change the model.")
    var isDryRun = false

    @Flag(name: .customLong("json"), help: "Print one JSON object.")
    var isJSON = false
  }

  func validate() throws {
    if model.isEmpty { throw ValidationError("The model must not be empty.") }
    if bank.file?.isEmpty == true { throw ValidationError("--bank must not be empty.") }
    if bank.file != nil, output.isDryRun {
      throw ValidationError("--bank cannot be combined with --dry-run: it changes the model.")
    }
  }

  func run() async throws {
    let set = try CaptionedSet(captions: captions, images: data.images, split: data.split)
    for warning in set.warnings { Console.note(printable(warning)) }
    Interruption.watch()
    let path = try ModelLocation.folder(model)
    try bank.write(to: path, .fp32)
    let evaluated = EvaluatedModel(
      path, precision: precision.precision, index: data.index, cache: CacheLocation.standard,
      decoder: DecodeCommand.decoder)
    let work = try WorkFolder(data.workPath())
    let calibration = try await Interruption.cancelling {
      try await Self.calibration(of: set, evaluated, work)
    }
    guard let calibration else { throw Interruption.stopped("the model is unchanged") }
    if calibration.words == nil {
      Console.note(
        "fewer than \(ModelCalibration.fewestPicturesForWords) pictures have more than one caption: what "
          + "words count stays as it was")
    }
    try Console.output.write(
      output.isJSON ? calibration.json.text + "\n" : calibration.table)
    guard !output.isDryRun else { return }
    try calibration.write(to: path)
    Console.note("\(printable(path)): calibrated")
  }

  /// Nil if interrupted.
  private static func calibration(
    of set: CaptionedSet, _ model: EvaluatedModel, _ work: WorkFolder
  ) async throws -> ModelCalibration? {
    var indexing = IndexingProgress(console: .error)
    var bar = ProgressBar("queries", console: .error)
    defer {
      indexing.finish()
      bar.clear()
    }
    for try await event in ModelCalibration.run(on: set, model, work: work) {
      switch event {
      case .indexing(let event): indexing.receive(event)
      case .queries(let done, let all):
        indexing.finish()
        if done == 1 { bar.start("queries", total: all) }
        bar.advance(to: done)
      case .wordQueries(let done, let all):
        if done == 1 { bar.start("queries with words", total: all) }
        bar.advance(to: done)
      case .finished(let calibration): return calibration
      }
      Interruption.cancelIfRequested()
    }
    return nil
  }
}

extension ModelCalibration {
  /// What the weights are, and how good the probabilities.
  fileprivate var table: String {
    func share(_ share: Double) -> String { "\(fixed(100 * share, 1)) %" }
    let heading = [
      "", "queries", "results", "right", "error", "of the first 5", "AUC of the first 5",
    ]
    let rows = hits.qualities.map {
      [
        $0.name, "\($0.queries)", "\($0.hits)", share($0.right), share($0.error),
        share($0.errorOfFirst), fixed($0.area, 3),
      ]
    }
    return Table.aligned([heading] + rows, rightAligned: Set(1..<7))
      + "sentences: texts of more than \(HitCalibration.longestPhrase) words, which find pictures; "
      + "texts: found by pictures\n"
      + "error: expected calibration error on queries that were not used to fit\n"
      + "floor: a less probable first result means that the answer is probably not there\n\n"
      + (words.map { $0.table + "\n" } ?? "") + Table.facts(calibration.facts)
  }

  fileprivate var json: JSONOutput {
    .object([
      ("calibration", calibration.json),
      ("words", words?.json),
      (
        "measured",
        .array(
          hits.qualities.map {
            .object([
              ("name", .string($0.name)), ("queries", .integer($0.queries)),
              ("results", .integer($0.hits)), ("right", .float(Float($0.right))),
              ("expected_calibration_error", .float(Float($0.error))),
              ("expected_calibration_error_of_first", .float(Float($0.errorOfFirst))),
              ("area_under_roc_of_first", .float(Float($0.area))),
            ])
          })
      ),
    ])
  }
}

extension HitCalibration {
  /// The formulas.
  var facts: [(name: String, value: String)] {
    func formula(_ logistic: Logistic) -> String {
      var terms: [String] = []
      if logistic.match > 0 { terms.append("\(fixed(Double(logistic.match), 3)) × match logit") }
      if logistic.cosine > 0 { terms.append("\(fixed(Double(logistic.cosine), 3)) × cosine") }
      let bias = fixed(abs(Double(logistic.bias)), 3)
      return "log-odds = " + terms.joined(separator: " + ")
        + (logistic.bias < 0 ? " − \(bias)" : " + \(bias)")
    }
    func facts(_ name: String, _ kind: Kind) -> [(name: String, value: String)] {
      [
        ("\(name), reranked", formula(kind.reranked)),
        ("\(name), by cosine", formula(kind.unreranked)),
        ("\(name), floor", percent(kind.floor)),
      ] + (kind.words?.facts(name) ?? [])
    }
    return facts("sentences", sentences) + facts("phrases", phrases)
      + (texts.map { facts("texts", $0) } ?? []) + [
        ("hubs", isHubCorrected ? "corrected" : "not corrected")
      ]
  }

  var json: JSONOutput {
    func json(_ logistic: Logistic) -> JSONOutput {
      .object([
        ("match", .float(logistic.match)), ("cosine", .float(logistic.cosine)),
        ("bias", .float(logistic.bias)),
      ])
    }
    func json(_ kind: Kind) -> JSONOutput {
      .object([
        ("reranked", json(kind.reranked)), ("by_cosine", json(kind.unreranked)),
        ("floor", .float(kind.floor)), ("words", kind.words?.json),
      ])
    }
    return .object([
      ("sentences", json(sentences)), ("phrases", json(phrases)),
      ("texts", texts.map { json($0) }), ("hub_corrected", .boolean(isHubCorrected)),
    ])
  }
}
