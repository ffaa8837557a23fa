import ArgumentParser
import Glibc
import Hub

struct ModelPullCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Fetches a model from Hugging Face's hub.",
    discussion: """
      The model goes into the cache that every program of Hugging Face's shares (HF_HOME, \
      HF_HUB_CACHE), and what is there is not fetched again. Every file is checked against the hub's \
      hash. It can be interrupted at any moment; the same command goes on from there. HF_TOKEN is \
      for gated and private models, HF_ENDPOINT for a mirror; with HF_HUB_OFFLINE=1 nothing is \
      fetched.

      BLIPs that search and rerank, 384 pixels, the small one for a start:
        Salesforce/blip-itm-base-coco     Salesforce/blip-itm-base-flickr
        Salesforce/blip-itm-large-coco    Salesforce/blip-itm-large-flickr
      BLIPs that write captions:
        Salesforce/blip-image-captioning-base
        Salesforce/blip-image-captioning-large

      EXAMPLES
        blip model pull Salesforce/blip-itm-base-coco
        blip index ~/Pictures --model Salesforce/blip-itm-base-coco
      """)

  @Argument(
    help: ArgumentHelp(
      "The model, with a branch, tag or commit where it is not to be main.",
      valueName: "owner/name[@revision]"),
    transform: RepositoryReference.argument)
  var model: RepositoryReference

  @Flag(name: .customLong("json"), help: "Write one JSON object.")
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
    // NIO has the process ignore it.
    signal(SIGPIPE, SIG_DFL)
    try Console.output.write(writesJSON ? json(pulled).text + "\n" : facts(pulled))
  }

  private func facts(_ pulled: PulledModel) -> String {
    var facts = [
      ("model", "\(model)"), ("commit", pulled.commit),
      ("fetched", pulled.fetched > 0 ? size(ofBytes: pulled.fetched) : "nothing, it was there"),
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
  /// An argument that names a model of the hub.
  static func argument(_ text: String) throws -> RepositoryReference {
    guard let reference = RepositoryReference(text) else {
      throw ValidationError(
        "Name a model of the hub as OWNER/NAME, such as Salesforce/blip-itm-base-coco.")
    }
    return reference
  }
}
