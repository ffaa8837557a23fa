import ArgumentParser
import BLIP
import Files
import Hub
import Retrieval

struct ModelListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the models on this machine.",
    discussion: """
      EXAMPLES
        blip model list
        blip model list --json

      Lists the model shipped with blip, and every BLIP model in Hugging Face's cache, including \
      those that other programs downloaded.
      """)

  @Flag(name: .customLong("json"), help: "Print one JSON object per line.")
  var writesJSON = false

  func run() throws {
    let models = try HubCache(environment: IndexLocation.processEnvironment).models()
    let standard = try BLIPModel.defaultModelPath()
    if writesJSON {
      let lines =
        [
          JSONOutput.object([
            ("name", .string("default")), ("path", .string(standard)),
            ("bytes", .integer(sizeOfFiles(in: standard))), ("complete", .boolean(true)),
          ])
        ] + models.map(Self.json)
      return try Console.output.write(lines.map { $0.text + "\n" }.joined())
    }
    let rows =
      [["default", "—", "—", size(ofBytes: sizeOfFiles(in: standard)), printable(standard)]]
      + models.map { model in
        [
          model.name,
          model.revisions.isEmpty ? "—" : model.revisions.joined(separator: ", "),
          String(model.commit.prefix(8)), size(ofBytes: model.size),
          model.isComplete
            ? printable(model.path) : "incomplete; to resume, run \(model.pull)",
        ]
      }
    try Console.output.write(
      Table.aligned([["model", "revision", "commit", "size", "folder"]] + rows, rightAligned: [3]))
  }

  private static func json(_ model: CachedModel) -> JSONOutput {
    .object([
      ("name", .string(model.name)), ("revisions", .array(model.revisions.map { .string($0) })),
      ("commit", .string(model.commit)), ("path", .string(model.path)),
      ("bytes", .integer(model.size)), ("complete", .boolean(model.isComplete)),
    ])
  }
}

extension CachedModel {
  /// The command that resumes its download.
  fileprivate var pull: String {
    let revision = revisions.contains("main") ? nil : revisions.first
    return "blip model pull \(name)\(revision.map { "@\($0)" } ?? "")"
  }
}
