import ArgumentParser
import Retrieval
import Server

struct MCPCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mcp",
    abstract: "Offer the index to an assistant, on standard input and output.",
    usage: "blip mcp [<options>]",
    discussion: """
      EXAMPLES
        blip mcp
        blip mcp --index indexes/demo

      Speaks the Model Context Protocol, with the tools search, similar, match, caption and picture. \
      An assistant starts it itself; in its settings name the program and its arguments:

        {"mcpServers": {"pictures": {"command": "blip", "args": ["mcp"]}}}

      `blip serve` offers the same over HTTP at /mcp.
      """)

  @OptionGroup(title: "Index and model") var index: IndexOption
  @OptionGroup(title: "Index and model") var model: ModelOption
  @OptionGroup(title: "Index and model") var precision: PrecisionOption

  func run() async throws {
    let index = try await PictureIndex.open(
      index.pathReportingCrashes(), model: model.path(), precision: precision.precision,
      cache: CacheLocation.standard, decoder: DecodeCommand.decoder)
    let server = AssistantServer(index)
    while let line = readLine() {
      guard !line.allSatisfy(\.isWhitespace) else { continue }
      _ = try? await index.refresh()
      if let answer = await server.answer(to: Array(line.utf8)) {
        try Console.output.write(answer + "\n")
      }
    }
    await index.close()
  }
}
