import ArgumentParser
import Files
import Glibc
import Hub
import Retrieval

struct ModelPullCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Download a model from the Hugging Face Hub.",
    discussion: """
      EXAMPLES
        blip model pull Salesforce/blip-itm-base-coco
        blip index ~/Pictures --model Salesforce/blip-itm-base-coco

      Models for search and reranking, with an input size of 384 pixels (start with a base model):
        Salesforce/blip-itm-base-coco     Salesforce/blip-itm-base-flickr
        Salesforce/blip-itm-large-coco    Salesforce/blip-itm-large-flickr
      Models for captioning:
        Salesforce/blip-image-captioning-base
        Salesforce/blip-image-captioning-large

      The model is stored in the cache that Hugging Face's programs share (HF_HOME, HF_HUB_CACHE); \
      files already there are not downloaded again. Every file is verified against the Hub's hash. \
      A download can be interrupted at any time; the same command resumes it.

      HF_TOKEN gives access to gated and private models, HF_ENDPOINT names a mirror, and \
      HF_HUB_OFFLINE=1 forbids downloads.
      """)

  @Argument(
    help: ArgumentHelp(
      "Model, with a branch, tag or commit if not main.",
      valueName: "owner/name[@revision]"),
    transform: RepositoryReference.argument)
  var model: RepositoryReference

  @Flag(name: .customLong("json"), help: "Print one JSON object.")
  var writesJSON = false

  func run() async throws {
    let cache = try HubCache(environment: IndexLocation.processEnvironment)
    let settings = try HubSettings(environment: IndexLocation.processEnvironment)
    var progress = PullProgress(console: .error)
    let pulled: PulledModel
    do {
      pulled = try await ModelPull(model, cache: cache).run(settings) { progress.receive($0) }
    } catch {
      progress.finish()
      throw error
    }
    progress.finish()
    // SwiftNIO made the process ignore it.
    signal(SIGPIPE, SIG_DFL)
    try Console.output.write(writesJSON ? json(pulled).text + "\n" : facts(pulled))
  }

  private func facts(_ pulled: PulledModel) -> String {
    var facts = [
      ("model", "\(model)"), ("commit", pulled.commit),
      (
        "fetched",
        pulled.fetched > 0 ? size(ofBytes: pulled.fetched) : "nothing; already in the cache"
      ),
      ("folder", printable(pulled.path)),
    ]
    if DeclaredKind(folder: pulled.path)?.isRetrieval == true {
      facts.append(("next", "blip index PICTURES --model \(model)"))
    }
    return Table.facts(facts)
  }

  private func json(_ pulled: PulledModel) -> JSONOutput {
    .object([
      ("name", .string(model.name)), ("revision", .string(model.revision)),
      ("commit", .string(pulled.commit)), ("path", .string(pulled.path)),
      ("files", .array(pulled.files.map { .string($0) })),
      ("fetched_bytes", .integer(pulled.fetched)),
    ])
  }
}

extension RepositoryReference {
  /// Parses an argument that names a model of the Hub.
  static func argument(_ text: String) throws -> RepositoryReference {
    guard let reference = RepositoryReference(text) else {
      throw ValidationError(
        "Give a model of the Hub as OWNER/NAME, such as Salesforce/blip-itm-base-coco.")
    }
    return reference
  }
}
