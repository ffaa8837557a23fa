import ArgumentParser
import BLIP
import Files
import Glibc
import Retrieval

struct CaptionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "caption",
    abstract: "Generate captions for pictures.",
    discussion: """
      EXAMPLES
        blip caption holiday.jpg
        blip caption --index indexes/photos
        blip caption ~/Pictures --out captions.jsonl
        blip caption ~/Pictures --sample --seed 7 --sidecars
        blip caption --index indexes/photos --forget

      Captions of files are printed, or written with --out or --sidecars. Without files, or given \
      only the folder that an index was built from, the pictures of the index are captioned, and \
      the captions are added to its texts, marked as synthetic, where blip match finds them.

      Pictures that already have a caption by the same model and settings are skipped, so the same \
      command resumes an interrupted run.
      """)

  @Argument(
    help: ArgumentHelp(
      "Picture files, or folders of pictures; - is a picture on standard input.",
      valueName: "pictures"))
  var inputs: [String] = []

  @OptionGroup(title: "Output") var output: Output
  @OptionGroup(title: "Generation") var generation: GenerationOptions
  @OptionGroup(title: "Output") var forgetting: Removal
  @OptionGroup(title: "Index and model") var index: IndexOption
  @OptionGroup(title: "Index and model") var model: ModelOption
  @OptionGroup(title: "Index and model") var precision: PrecisionOption

  /// What becomes of captions that an index has.
  struct Removal: ParsableArguments {
    @Flag(
      name: .customLong("forget"),
      help: "Remove all generated captions from the index; those that people wrote stay.")
    var isGiven = false
  }

  /// Where captions of files go.
  struct Output: ParsableArguments {
    @Option(
      name: .customLong("out"),
      help: ArgumentHelp(
        "Append captions to a file, one JSON object per line.", valueName: "file"))
    var file: String?

    @Flag(
      name: .customLong("sidecars"),
      help: "Write picture.txt next to picture.png; an existing file is left alone.")
    var isSidecars = false

    @Flag(name: .customLong("json"), help: "Print one JSON object per line.")
    var isJSON = false

    var isGiven: Bool { file != nil || isSidecars || isJSON }

    func validate() throws {
      if file?.isEmpty == true { throw ValidationError("--out must not be empty.") }
      if file != nil && isSidecars {
        throw ValidationError("--out cannot be combined with --sidecars.")
      }
      if isJSON && (file != nil || isSidecars) {
        throw ValidationError("--json cannot be combined with --out or --sidecars.")
      }
    }
  }

  func validate() throws {
    if inputs.contains(where: \.isEmpty) {
      throw ValidationError("The name of a picture must not be empty.")
    }
    if inputs.isEmpty && output.isGiven {
      throw ValidationError("--out, --sidecars and --json require picture files or folders.")
    }
    if forgetting.isGiven && !isOfIndex {
      throw ValidationError("--forget removes captions from an index; give no pictures.")
    }
    if output.isSidecars, inputs.contains(where: PictureArgument.isStandardInput) {
      throw ValidationError("--sidecars cannot be combined with -: standard input has no name.")
    }
    if index.given != nil && !isOfIndex {
      throw ValidationError("--index cannot be combined with picture files.")
    }
  }

  /// Whether captions go into an index: no input is given, or only a folder.
  private var isOfIndex: Bool {
    guard !output.isGiven, inputs.count <= 1 else { return false }
    guard let input = inputs.first else { return true }
    var facts = stat()
    return stat(input, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
  }

  func run() async throws {
    Interruption.watch()
    if forgetting.isGiven {
      try await forgetCaptions()
    } else if isOfIndex {
      try await captionIndex()
    } else {
      try await captionFiles()
    }
    if Interruption.isRequested() {
      throw Interruption.stopped("progress is saved; run the same command to resume")
    }
  }

  // MARK: - An index

  private func captionIndex() async throws {
    let path = try index.pathReportingCrashes()
    let index = try await openIndex(path)
    let root = try inputs.first.map { try requiredRoot($0, of: path, index.metadata) }
    var options = CaptioningOptions(
      model: try model.path(), precision: precision.precision, settings: generation.settings)
    options.root = root
    let summary = try await Interruption.cancelling { [options] in
      try await Self.caption(index, options)
    }
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
        ("captioner", printable(summary.captioner)),
        ("index", printable(path)),
      ]))
    if summary.interrupted { return }
    try PartialSuccess.end(
      failed: summary.skipped, of: summary.captioned + summary.skipped, "picture",
      "could not be captioned")
  }

  private func forgetCaptions() async throws {
    let path = try index.pathReportingCrashes()
    let index = try await openIndex(path)
    if let folder = inputs.first { _ = try requiredRoot(folder, of: path, index.metadata) }
    let count = try await index.forgetGeneratedCaptions { Console.noteWaiting(for: $0) }
    try Console.output.write(
      Table.facts([("removed", counted(count, "generated caption")), ("index", printable(path))]))
  }

  private func openIndex(_ path: String) async throws -> PictureIndex {
    do throws(RetrievalError) {
      return try await PictureIndex.open(
        path, cache: CacheLocation.standard, decoder: DecodeCommand.decoder)
    } catch {
      guard error.code == .noIndex, let folder = inputs.first else { throw error }
      throw CommandFailure(
        "\(error); index the folder first (`blip index \(folder)`), or write the captions to a file "
          + "(--out)")
    }
  }

  private static func caption(
    _ index: PictureIndex, _ options: CaptioningOptions
  ) async throws -> CaptioningSummary {
    var summary = CaptioningSummary()
    var bar = ProgressBar("scanning for pictures", console: .error)
    defer { bar.clear() }
    for try await event in index.generateCaptions(options: options) {
      switch event {
      case .waiting(let holder):
        bar.clear()
        Console.noteWaiting(for: holder)
      case .planned(_, let toCaption): bar.start("captions", total: toCaption)
      case .captioned(let count): bar.advance(to: count)
      case .skipped(let reason), .warning(let reason):
        bar.clear()
        Console.note(printable(reason))
      case .finished(let final): summary = final
      }
      Interruption.cancelIfRequested()
    }
    return summary
  }

  /// The root that a folder is; throws unless the index was built from it.
  private func requiredRoot(_ folder: String, of index: String, _ metadata: IndexMetadata) throws
    -> String
  {
    let path = String(decoding: try resolvedFolder(folder), as: UTF8.self)
    guard metadata.roots.root(at: path) != nil else {
      let roots = metadata.roots.all.map { printable($0.path) }.joined(separator: ", ")
      throw CommandFailure(
        "\(index): the index was built from \(roots), not from \(folder); give the "
          + "index of that folder (--index), or write the captions to a file (--out)")
    }
    return path
  }

  // MARK: - Files

  private func captionFiles() async throws {
    let pictures = try PictureListing(
      inputs.filter { !PictureArgument.isStandardInput($0) }.map { ArgumentBytes.of($0) })
    for warning in pictures.warnings { Console.note(printable(warning)) }
    var sources = zip(pictures.paths, pictures.names).map {
      (picture: PictureSource.file($0), name: $1)
    }
    if inputs.contains(where: PictureArgument.isStandardInput) {
      sources.append((try PictureArgument.readStandardInput(), Array("-".utf8)))
    }
    guard !sources.isEmpty else {
      throw CommandFailure("there are no pictures in \(inputs.joined(separator: ", "))")
    }
    let captioner = try await PictureCaptioner(
      model: model.path(), precision: precision.precision, settings: generation.settings,
      cache: CacheLocation.standard, decoder: DecodeCommand.decoder)
    let destination = try CaptionDestination(
      out: output.file, sidecars: output.isSidecars, json: output.isJSON,
      captioner: captioner.description)
    let wanted = sources.filter { !destination.has($0.picture, name: $0.name) }
    let present = sources.count - wanted.count
    if present > 0 { Console.note("\(counted(present, "picture")) already captioned") }
    var bar = destination.isPrinted ? nil : ProgressBar("captions", console: .error)
    bar?.start("captions", total: wanted.count)
    defer { bar?.clear() }
    var (done, failed) = (0, 0)
    for try await generated in captioner.captions(of: wanted.map(\.picture)) {
      switch generated.caption {
      case .success(let caption):
        try destination.take(caption, of: generated.picture, name: wanted[done].name)
      case .failure(let error):
        guard wanted.count > 1 else { throw error }
        failed += 1
        bar?.clear()
        Console.note(printable(error.description))
      }
      done += 1
      bar?.advance(to: done)
      Interruption.cancelIfRequested()
    }
    if Interruption.isRequested() { return }
    try PartialSuccess.end(
      failed: failed, of: wanted.count, "picture", "could not be captioned")
  }
}
