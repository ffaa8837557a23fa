import ArgumentParser
import Files
import Retrieval

struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Build an index from existing embeddings.",
    discussion: """
      EXAMPLES
        blip import embeddings --index indexes/copy
        blip import embeddings --collection ~/Pictures
        blip import clip-output --collection photos --model blip-itm-base-coco

      Reads what blip export wrote: the new index has the same pictures, texts and embeddings, and \
      blip index considers them unchanged. An export has no patch features, so reranking reads the \
      picture files.

      Embeddings from other programs are read from the same layout, which is clip-retrieval's: \
      img_emb/img_emb_0.npy, … (float16, float32 or float64), metadata/metadata_0.jsonl, … with an \
      image_path per row and, if there is a text_emb, a caption. Whether the model made them is \
      not checked. Pictures whose files are not in the collection are skipped.
      """)

  @Argument(help: ArgumentHelp("Folder of the embeddings.", valueName: "dir"))
  var folder: String

  @OptionGroup var index: IndexOption

  @Option(
    help: ArgumentHelp(
      "Folder of the pictures. (default: as recorded by blip export)", valueName: "dir"))
  var collection: String?

  @Option(
    help: ArgumentHelp(
      "Model that made the embeddings: a folder, or OWNER/NAME of a model fetched with blip model "
        + "pull. (default: as recorded by blip export, else the one shipped with blip)",
      valueName: "model"))
  var model: String?

  func validate() throws {
    if folder.isEmpty { throw ValidationError("The folder of the embeddings must not be empty.") }
    if collection?.isEmpty == true { throw ValidationError("--collection must not be empty.") }
    if model?.isEmpty == true { throw ValidationError("--model must not be empty.") }
  }

  func run() async throws {
    let path = try index.pathReportingCrashes()
    let model = try model.map(ModelLocation.folder)
    Interruption.watch()
    let summary: ImportSummary
    do {
      summary = try await Interruption.cancelling { [folder, collection] in
        try await PictureIndex.importEmbeddings(
          from: folder, to: path, collection: collection, model: model,
          waiting: { Console.noteWaiting(for: $0) })
      }
    } catch is CancellationError { throw Interruption.stopped("nothing was imported") }
    report(summary.omissions)
    try Console.output.write(
      Table.facts([
        ("pictures", "\(summary.pictures)"), ("texts", "\(summary.texts)"),
        ("model", printable(summary.metadata.model.name)),
        ("collection", printable(summary.metadata.collection)),
        ("features", "none (not part of an export)"), ("index", printable(path)),
      ]))
    let skipped = summary.omissions.missing + summary.omissions.unreadable
    try PartialSuccess.end(
      failed: skipped, of: summary.pictures + skipped, "picture", "could not be imported")
  }

  private func report(_ omissions: ImportOmissions) {
    if let example = omissions.missingExample {
      Console.note(
        "skipped \(counted(omissions.missing, "picture")) whose files are not in the collection, "
          + "such as \(printable(example))")
    }
    if let example = omissions.unreadableExample {
      Console.note(
        "skipped \(counted(omissions.unreadable, "file")) that cannot be read, such as "
          + printable(example))
    }
    if omissions.captions > 0 {
      Console.note(
        "skipped \(counted(omissions.captions, "caption")) without an embedding (text_emb); "
          + "blip index --captions encodes them")
    }
  }
}
