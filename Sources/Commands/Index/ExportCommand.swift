import ArgumentParser
import Files
import Retrieval

struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Export the embeddings of an index, for other programs or blip import.",
    discussion: """
      EXAMPLES
        blip export out
        blip export out --index indexes/photos
        python3 -c "import numpy; print(numpy.load('out/img_emb/img_emb_0.npy'))"

      The folder has clip-retrieval's layout: img_emb/img_emb_0.npy with one row of float32 per \
      picture, metadata/metadata_0.jsonl with one object per row, and the same for texts in \
      text_emb and text_metadata. blip.json records the model. Patch features are not exported.
      """)

  @Argument(help: ArgumentHelp("Folder to write; must be new or empty.", valueName: "dir"))
  var folder: String

  @OptionGroup var index: IndexOption

  func validate() throws {
    if folder.isEmpty { throw ValidationError("The folder to write must not be empty.") }
  }

  func run() async throws {
    let index = try await PictureIndex.open(index.pathReportingCrashes())
    Interruption.watch()
    let summary: ExportSummary
    do {
      summary = try await Interruption.cancelling { [folder] in try await index.export(to: folder) }
    } catch is CancellationError { throw Interruption.stopped("nothing was written") }
    try Console.output.write(
      Table.facts([
        ("pictures", "\(summary.pictures)"), ("texts", "\(summary.texts)"),
        ("export", printable(folder)),
      ]))
  }
}
