import ArgumentParser
import Retrieval

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Makes an index of embeddings that are there already.",
    discussion: """
      Reads what blip export wrote: the new index holds the same pictures, texts and embeddings, and \
      blip index finds them unchanged. Patch features are not in an export, so that a model that \
      reranks reads the pictures' files for it.

      Embeddings made elsewhere are read from the same layout, which is clip-retrieval's: img_emb/\
      img_emb_0.npy and on (float16, float32 or float64), metadata/metadata_0.jsonl and on with an \
      image_path for each row and, beside text_emb, a caption. That they are of the model is taken \
      on trust. Pictures whose files are not in the collection are left out.

      EXAMPLES
        blip import embeddings --index indexes/copy
        blip import embeddings --collection ~/Pictures
        blip import clip-output --collection photos --model models/blip-itm-base-coco
      """)

  @Argument(help: ArgumentHelp("The folder of the embeddings.", valueName: "dir"))
  var folder: String

  @OptionGroup var index: IndexOption

  @Option(
    help: ArgumentHelp(
      "The folder that the pictures lie in (default: what blip export noted).",
      valueName: "folder"))
  var collection: String?

  @Option(
    help: ArgumentHelp(
      "The model that made the embeddings: a folder, or OWNER/NAME of one that blip model pull "
        + "fetched (default: what blip export noted, else the one that comes with blip).",
      valueName: "model"))
  var model: String?

  func validate() throws {
    if folder.isEmpty { throw ValidationError("The folder of the embeddings has no name.") }
    if collection?.isEmpty == true { throw ValidationError("--collection names no folder.") }
    if model?.isEmpty == true { throw ValidationError("--model names no folder.") }
  }

  func run() throws {
    let path = try index.path()
    let request = ImportRequest(
      folder: folder, index: path, collection: collection,
      model: try model.map(ModelLocation.folder))
    let work = try IndexImport(request)
    Interruption.watch()
    guard
      let summary = try work.run(
        shouldStop: { Interruption.signal != nil }, whenHeld: Console.noteWaiting)
    else {
      Console.note("stopped; nothing was imported")
      throw ExitCode(128 + (Interruption.signal ?? 0))
    }
    tell(summary.omissions)
    try Console.output.write(
      Table.facts([
        ("pictures", "\(summary.pictures)"), ("texts", "\(summary.texts)"),
        ("model", printable(summary.metadata.modelName)),
        ("collection", printable(summary.metadata.collection)),
        ("features", "none (embeddings come without)"), ("index", printable(path)),
      ]))
  }

  private func tell(_ omissions: ImportOmissions) {
    if let example = omissions.missingExample {
      Console.note(
        "left out \(counted(omissions.missing, "picture")) whose files are not in the collection, "
          + "such as \(printable(example))")
    }
    if let example = omissions.unreadableExample {
      Console.note(
        "left out \(counted(omissions.unreadable, "file")) that cannot be read, such as "
          + printable(example))
    }
    if omissions.captions > 0 {
      Console.note(
        "left out \(counted(omissions.captions, "caption")) without an embedding (text_emb); "
          + "blip index --captions gives them one")
    }
  }
}
