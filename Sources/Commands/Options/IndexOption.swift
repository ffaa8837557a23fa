import ArgumentParser

/// Which index a verb works on.
struct IndexOption: ParsableArguments {
  @Option(
    name: .customLong("index"),
    help: ArgumentHelp(
      "Index directory. (default: $BLIP_INDEX, else indexes/default in blip's data directory)",
      valueName: "dir"))
  var given: String?

  func validate() throws {
    if given?.isEmpty == true { throw ValidationError("--index must not be empty.") }
  }

  /// The index directory: the one given, else the standard one.
  func path() throws(CommandFailure) -> String {
    if let given { return given }
    return try IndexLocation.standard(environment: IndexLocation.processEnvironment)
  }

  /// The index directory, about to be opened: from now on, a crash of this process is reported as
  /// damage to it.
  func pathReportingCrashes() throws(CommandFailure) -> String {
    let path = try path()
    CrashReport.install(forIndexAt: path)
    return path
  }
}
