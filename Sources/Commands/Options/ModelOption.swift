import ArgumentParser

/// Which model a verb works with.
struct ModelOption: ParsableArguments {
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "BLIP model: a folder in Hugging Face's format, or OWNER/NAME of a model fetched with blip "
        + "model pull. (default: the index's model, else the one shipped with blip)",
      valueName: "model"))
  var given: String?

  func validate() throws {
    if given?.isEmpty == true { throw ValidationError("--model must not be empty.") }
  }

  /// The folder of the model given; nil if none was.
  func path() throws -> String? { try given.map(ModelLocation.folder) }
}
