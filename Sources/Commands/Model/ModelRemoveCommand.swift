import ArgumentParser
import Hub

struct ModelRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Removes a model from Hugging Face's cache.",
    discussion: """
      All of its revisions go, also for the other programs that share the cache.

      EXAMPLES
        blip model remove Salesforce/blip-itm-base-coco
      """)

  @Argument(
    help: ArgumentHelp("The model.", valueName: "owner/name"),
    transform: RepositoryReference.argument)
  var model: RepositoryReference

  func validate() throws {
    guard model.revision == "main" else {
      throw ValidationError("All revisions of a model go together: leave out @\(model.revision).")
    }
  }

  func run() throws {
    let freed = try HubCache(environment: IndexLocation.processEnvironment).remove(model)
    try Console.output.write("removed \(model), \(size(ofBytes: freed))\n")
  }
}
