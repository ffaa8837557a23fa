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
      captions. What the scores of right and wrong results are is written to the model's \
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
    let index = try await data.preparedIndex(of: set, by: path, precision.precision)
    guard let index, let report = try await calibrate(set, index, path) else {
      throw Interruption.stopped("the model is unchanged")
    }
    let words = try await weighWords(set, index, path, report.calibration)
    if Interruption.isRequested() { throw Interruption.stopped("the model is unchanged") }
    let calibration = try words?.calibration ?? report.calibration.with(wordsOf: path)
    try Console.output.write(
      output.isJSON
        ? report.json(calibration, words).text + "\n" : report.table(calibration, words))
    guard !output.isDryRun else { return }
    try ModelFolder.setCalibration(calibration, of: path)
    Console.note("\(printable(path)): calibrated")
  }

  private func calibrate(
    _ set: CaptionedSet, _ index: String, _ path: String
  ) async throws -> CalibrationReport? {
    let searcher = try Searcher(
      index: index, modelPath: path, precision: precision.precision, cache: CacheLocation.standard)
    var bar = ProgressBar("queries", console: .error)
    defer { bar.clear() }
    return try await HitCalibrator(set, searcher).run(shouldStop: Interruption.isRequested) {
      if $0 == 1 { bar.start("queries", total: $1) }
      bar.advance(to: $0)
    }
  }

  /// Nil if the set cannot tell what words count, which is said, or if it was interrupted.
  private func weighWords(
    _ set: CaptionedSet, _ index: String, _ path: String, _ calibration: HitCalibration
  ) async throws -> WordCalibrationReport? {
    let searcher = try Searcher(
      index: index, modelPath: path, precision: precision.precision, cache: CacheLocation.standard)
    guard let calibrator = WordCalibrator(set, searcher, calibration) else {
      Console.note(
        "fewer than \(WordCalibrator.fewestPictures) pictures have more than one caption: what words "
          + "count stays as it was")
      return nil
    }
    var bar = ProgressBar("queries with words", console: .error)
    defer { bar.clear() }
    return try await calibrator.run(shouldStop: Interruption.isRequested) {
      if $0 == 1 { bar.start("queries with words", total: $1) }
      bar.advance(to: $0)
    }
  }
}

extension BenchDataOptions {
  /// The index of a set's pictures with their patch features and captions: the one given, or one in the
  /// work directory, which is brought up to date. Nil if interrupted.
  fileprivate func preparedIndex(
    of set: CaptionedSet, by path: String, _ precision: Precision
  ) async throws -> String? {
    if let index { return index }
    let model = try BLIPModel(
      folder: ModelFolder(path: path), precision: precision, cache: CacheLocation.standard)
    let request = try WorkFolder(workPath()).indexing(set, with: model, features: .bf16)
    var progress = IndexingProgress(console: .error)
    defer { progress.finish() }
    let summary = try await Indexer(model: model, decoder: DecodeCommand.decoder).run(
      request, shouldStop: Interruption.isRequested, report: { progress.receive($0) })
    return summary.interrupted ? nil : request.index
  }
}

extension CalibrationReport {
  /// What the weights are, and how good the probabilities.
  fileprivate func table(_ calibration: HitCalibration, _ words: WordCalibrationReport?) -> String {
    func share(_ share: Double) -> String { "\(fixed(100 * share, 1)) %" }
    let heading = [
      "", "queries", "results", "right", "error", "of the first 5", "AUC of the first 5",
    ]
    let rows = qualities.map {
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

  fileprivate func json(
    _ calibration: HitCalibration, _ words: WordCalibrationReport?
  ) -> JSONOutput {
    .object([
      ("calibration", calibration.json),
      ("words", words?.json),
      (
        "measured",
        .array(
          qualities.map {
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
