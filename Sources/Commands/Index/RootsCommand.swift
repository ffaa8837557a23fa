import ArgumentParser
import Files
import Retrieval

struct RootsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "roots",
    abstract: "List, move or remove the folders that an index was built from.",
    discussion: """
      EXAMPLES
        blip roots
        blip roots move /mnt/nas/photos /media/photos
        blip roots remove ~/Downloads

      blip index adds folders. No picture is read, changed or deleted.
      """,
    subcommands: [RootsListCommand.self, RootsMoveCommand.self, RootsRemoveCommand.self],
    defaultSubcommand: RootsListCommand.self)
}

struct RootsListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the folders and how many pictures the index has of each.",
    discussion: """
      EXAMPLES
        blip roots list
        blip roots list --json
      """)

  @OptionGroup var index: IndexOption
  @OptionGroup var json: RootsJSONOption

  func run() async throws {
    let index = try await PictureIndex.open(index.pathReportingCrashes())
    try json.write(try await index.rootContents())
  }
}

struct RootsMoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "move", abstract: "Tell the index where a folder is now.",
    discussion: """
      EXAMPLES
        blip roots move /mnt/nas/photos /media/photos

      The pictures keep their embeddings, captions and features. blip index finds a moved folder by \
      itself if the index was built from it alone.
      """)

  @Argument(help: ArgumentHelp("The folder as recorded in the index.", valueName: "old"))
  var old: String

  @Argument(help: ArgumentHelp("The folder as it is now.", valueName: "new"))
  var new: String

  @OptionGroup var index: IndexOption
  @OptionGroup var json: RootsJSONOption

  func validate() throws {
    if old.isEmpty || new.isEmpty { throw ValidationError("The folders must not be empty.") }
  }

  func run() async throws {
    let index = try await PictureIndex.open(index.pathReportingCrashes())
    try await index.moveRoot(old, to: new) { Console.noteWaiting(for: $0) }
    try json.write(try await index.rootContents())
  }
}

struct RootsRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a folder's pictures from the index.",
    discussion: """
      EXAMPLES
        blip roots remove ~/Downloads

      The folder and its files stay as they are.
      """)

  @Argument(help: ArgumentHelp("The folder as recorded in the index.", valueName: "root"))
  var root: String

  @OptionGroup var index: IndexOption
  @OptionGroup var json: RootsJSONOption

  func validate() throws {
    if root.isEmpty { throw ValidationError("The folder must not be empty.") }
  }

  func run() async throws {
    let index = try await PictureIndex.open(index.pathReportingCrashes())
    let count = try await index.removeRoot(root) { Console.noteWaiting(for: $0) }
    Console.note("removed \(counted(count, "picture")) from the index")
    try json.write(try await index.rootContents())
  }
}

/// How roots are printed.
struct RootsJSONOption: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print one JSON object per folder.")
  var isJSON = false

  func write(_ roots: [RootContents]) throws {
    if isJSON {
      let lines = roots.map { root in
        JSONOutput.object([
          ("root", .string(root.path)), ("pictures", .integer(root.pictures)),
          ("failures", .integer(root.failures)), ("present", .boolean(root.isPresent)),
        ]).text + "\n"
      }
      return try Console.output.write(lines.joined())
    }
    let rows = roots.map {
      [
        "\($0.pictures)", "\($0.failures)",
        printable($0.path) + ($0.isPresent ? "" : "  (not there)"),
      ]
    }
    try Console.output.write(
      Table.aligned([["pictures", "failures", "root"]] + rows, rightAligned: [0, 1]))
  }
}
