import ArgumentParser
import Retrieval

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes an index's embeddings for other programs, and for blip import.",
    discussion: """
      The folder has clip-retrieval's layout: img_emb/img_emb_0.npy with a row of float32 for each \
      picture, metadata/metadata_0.jsonl with an object for each row, and the same for texts in \
      text_emb and text_metadata. blip.json says which model made them. Patch features are left out.

      EXAMPLES
        blip export embeddings
        blip export embeddings --index indexes/photos
        python3 -c "import numpy; print(numpy.load('embeddings/img_emb/img_emb_0.npy').shape)"
      """)

  @Argument(help: ArgumentHelp("The folder to write; a new or an empty one.", valueName: "dir"))
  var folder: String

  @OptionGroup var index: IndexOption

  func validate() throws {
    if folder.isEmpty { throw ValidationError("The folder to write has no name.") }
  }

  func run() throws {
    let store = try IndexStore.open(index.path())
    Interruption.watch()
    guard
      let summary = try store.export(
        to: folder, shouldStop: { Interruption.signal != nil })
    else {
      Console.note("stopped; nothing was written")
      throw ExitCode(128 + (Interruption.signal ?? 0))
    }
    try Console.output.write(
      Table.facts([
        ("pictures", "\(summary.pictures)"), ("texts", "\(summary.texts)"),
        ("export", printable(folder)),
      ]))
  }
}
