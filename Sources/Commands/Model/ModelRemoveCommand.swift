import ArgumentParser
import Hub

struct ModelRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove a model from Hugging Face's cache.",
    discussion: """
      EXAMPLES
        blip model remove Salesforce/blip-itm-base-coco

      Removes all of its revisions, also for other programs that share the cache.
      """)

  @Argument(
    help: ArgumentHelp("Model to remove.", valueName: "owner/name"),
    transform: RepositoryReference.argument)
  var model: RepositoryReference

  func validate() throws {
    guard model.revision == "main" else {
      throw ValidationError(
        "All revisions of a model are removed together; omit @\(model.revision).")
    }
  }

  func run() throws {
    let freed = try HubCache(environment: IndexLocation.processEnvironment).remove(model)
    try Console.output.write("removed \(model), \(size(ofBytes: freed))\n")
  }
}
