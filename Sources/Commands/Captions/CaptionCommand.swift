import ArgumentParser
import BLIP
import Glibc
import Retrieval

struct CaptionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "caption",
    abstract: "Says what pictures show.",
    discussion: """
      Captions of files are printed, or go to --out or --sidecars. Without files, or with the folder \
      that an index is of, the pictures of the index are captioned and the captions become texts of \
      the index, marked as synthetic, which blip match finds. A picture that has a caption by the \
      same model and settings is left out, so that a run that was stopped goes on.

      EXAMPLES
        blip caption holiday.jpg
        blip caption --index indexes/photos
        blip caption ~/Pictures --out captions.jsonl
        blip caption ~/Pictures --sample --seed 7 --sidecars
      """)

  @Argument(help: ArgumentHelp("Picture files, or folders of them.", valueName: "pictures"))
  var inputs: [String] = []

  @Option(
    name: .customLong("out"),
    help: ArgumentHelp(
      "Write a file of captions, one JSON object a line; what it has already is kept.",
      valueName: "file"))
  var out: String?

  @Flag(
    name: .customLong("sidecars"),
    help: "Write picture.txt beside picture.png; a file that is there is left as it is.")
  var writesSidecars = false

  @Flag(name: .customLong("json"), help: "Print one JSON object a line.")
  var writesJSON = false

  @OptionGroup var generation: GenerationOptions
  @OptionGroup var index: IndexOption
  @OptionGroup var model: ModelOption
  @OptionGroup var precision: PrecisionOption

  func validate() throws {
    if inputs.contains(where: \.isEmpty) { throw ValidationError("A picture has no name.") }
    if out?.isEmpty == true { throw ValidationError("--out names no file.") }
    if out != nil && writesSidecars { throw ValidationError("--out goes without --sidecars.") }
    if writesJSON && (out != nil || writesSidecars) {
      throw ValidationError("--json prints captions: it goes without --out and --sidecars.")
    }
    if inputs.isEmpty && (out != nil || writesSidecars || writesJSON) {
      throw ValidationError("Name the pictures, files or folders.")
    }
    if index.given != nil && !isOfIndex {
      throw ValidationError("--index captions the pictures of an index: it goes without files.")
    }
  }

  /// Whether captions go into an index: nothing is named, or a folder alone.
  private var isOfIndex: Bool {
    guard out == nil, !writesSidecars, !writesJSON, inputs.count <= 1 else { return false }
    guard let input = inputs.first else { return true }
    var facts = stat()
    return stat(input, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
  }

  func run() async throws {
    Interruption.watch()
    if isOfIndex { try await captionIndex() } else { try await captionFiles() }
    if let signal = Interruption.signal {
      Console.note("stopped; what is done is kept, and the same command goes on from here")
      throw ExitCode(128 + signal)
    }
  }

  // MARK: - An index

  private func captionIndex() async throws {
    let path = try index.path()
    if let folder = inputs.first { try check(folder, isOf: path) }
    let captioner = try IndexCaptioner(
      index: path, modelPath: model.path(), precision: precision.precision,
      settings: generation.settings, decoder: DecodeCommand.decoder,
      cache: CacheLocation.standard)
    var bar = ProgressBar("looking for pictures", console: .error)
    defer { bar.clear() }
    let summary = try await captioner.run(shouldStop: { Interruption.signal != nil }) { event in
      switch event {
      case .waiting(let holder):
        bar.clear()
        Console.noteWaiting(for: holder)
      case .planned(_, let toCaption): bar.start("captions", total: toCaption)
      case .captioned(let count): bar.advance(to: count)
      case .skipped(let reason), .warning(let reason):
        bar.clear()
        Console.note(printable(reason))
      }
    }
    bar.clear()
    let pace = Double(summary.captioned) / summary.seconds
    try Console.output.write(
      Table.facts([
        ("pictures", "\(summary.pictures)"), ("captioned", "\(summary.captioned)"),
        ("unchanged", "\(summary.unchanged)"), ("skipped", "\(summary.skipped)"),
        (
          "time",
          duration(summary.seconds)
            + (summary.captioned > 0 ? " (\(fixed(pace, 1)) captions/s)" : "")
        ),
        ("captioner", printable(captioner.captioner.description)),
        ("index", printable(path)),
      ]))
    if summary.captioned == 0, summary.skipped > 0 {
      throw CommandFailure("not one of the pictures could be captioned")
    }
  }

  /// A folder stands for the index that is of it.
  private func check(_ folder: String, isOf index: String) throws {
    guard let metadata = try IndexStore.metadata(at: index) else {
      throw CommandFailure(
        "\(index): there is no index here; index the folder first (`blip index \(folder)`), or write "
          + "the captions to a file (--out)")
    }
    guard let resolved = realpath(folder, nil) else {
      throw CommandFailure("cannot read the folder \(folder): \(String(cString: strerror(errno)))")
    }
    defer { free(resolved) }
    guard String(cString: resolved) == metadata.collection else {
      throw CommandFailure(
        "\(index): the index is of \(metadata.collection), not of \(folder); name its own (--index), "
          + "or write the captions to a file (--out)")
    }
  }

  // MARK: - Files

  private func captionFiles() async throws {
    let pictures = try PictureListing(inputs)
    for warning in pictures.warnings { Console.note(printable(warning)) }
    guard !pictures.paths.isEmpty else {
      throw CommandFailure("there are no pictures in \(inputs.joined(separator: ", "))")
    }
    let model = try model.load(precision: precision.precision, use: .captions)
    let captioner = PictureCaptioner(
      model: model, settings: generation.settings, decoder: DecodeCommand.decoder)
    let destination = try CaptionDestination(
      out: out, sidecars: writesSidecars, json: writesJSON, captioner: captioner.description)
    let wanted = zip(pictures.paths, pictures.names).filter { path, name in
      !destination.has(path: path, name: name)
    }
    let present = pictures.paths.count - wanted.count
    if present > 0 { Console.note("\(counted(present, "picture")) had captions already") }
    var bar = destination.isPrinted ? nil : ProgressBar("captions", console: .error)
    bar?.start("captions", total: wanted.count)
    defer { bar?.clear() }
    var (done, failed) = (0, 0)
    _ = try await captioner.caption(
      files: wanted.map(\.0), shouldStop: { Interruption.signal != nil }
    ) { file in
      switch file.caption {
      case .success(let caption):
        try destination.take(caption, path: file.path, name: wanted[done].1)
      case .failure(let error):
        guard wanted.count > 1 else { throw error }
        failed += 1
        bar?.clear()
        Console.note(printable(error.description))
      }
      done += 1
      bar?.advance(to: done)
    }
    if failed > 0, failed == wanted.count {
      throw CommandFailure("not one of the pictures could be captioned")
    }
  }
}
