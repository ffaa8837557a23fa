import ArgumentParser
import Retrieval
import Server

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve an index: a page to search with, and an API.",
    usage: "blip serve [<options>]",
    discussion: """
      EXAMPLES
        blip serve
        blip serve --listen 127.0.0.1:9000 --index indexes/demo
        blip serve --listen :8080 --token-file ~/.blip-token

      The page is at http://127.0.0.1:8080/, the API under /api/ (/openapi.json describes it), tools \
      for assistants at /mcp, metrics for Prometheus at /metrics. What `blip index` adds meanwhile \
      is found at once. SIGTERM stops the server after the answers that have begun.

      Only this machine can connect, unless --listen says otherwise: then --token-file or \
      --behind-proxy is needed. The server speaks HTTP; for TLS put a proxy in front of it.
      """)

  @OptionGroup(title: "Server") var access: Access
  @OptionGroup(title: "Server") var updating: Updating
  @OptionGroup(title: "Index and model") var index: IndexOption
  @OptionGroup(title: "Index and model") var model: ModelOption
  @OptionGroup(title: "Index and model") var precision: PrecisionOption

  /// Where the server listens, and who may come in.
  struct Access: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Where to listen: host:port, :port for all addresses, or unix:PATH for a socket.",
        valueName: "address"),
      transform: Self.address)
    var listen = ListenAddress.host("127.0.0.1", port: 8080)

    @Option(
      help: ArgumentHelp(
        "File whose first line is the token that every request needs; the page asks for it.",
        valueName: "file"))
    var tokenFile: String?

    @Flag(help: "A proxy in front of the server decides who may come in.")
    var behindProxy = false

    func validate() throws {
      if !listen.isLocal, tokenFile == nil, !behindProxy {
        throw ValidationError(
          "--listen \(listen) lets other machines in: give --token-file, or --behind-proxy if a proxy "
            + "checks who they are.")
      }
    }

    private static func address(_ text: String) throws -> ListenAddress {
      guard let address = ListenAddress(text) else {
        throw ValidationError("Give host:port, :port or unix:PATH, such as 127.0.0.1:8080.")
      }
      return address
    }
  }

  /// What happens to the index meanwhile.
  struct Updating: ParsableArguments {
    @Flag(
      name: .customLong("watch"),
      help: "Keep the index up to date while its folders change, as blip watch does.")
    var watches = false
  }

  func run() async throws {
    var settings = ServerSettings(address: access.listen, isBehindProxy: access.behindProxy)
    settings.token = try access.tokenFile.map { try AccessToken(file: $0) }
    let index = try await PictureIndex.open(
      index.pathReportingCrashes(), model: model.path(), precision: precision.precision,
      cache: CacheLocation.standard, decoder: DecodeCommand.decoder)
    let watch = try updating.watches ? WatchProcess(index: index.path) : nil
    defer { watch?.stop() }
    try await PictureServer(index, settings).run { address in
      switch address {
      case .host(let host, let port):
        let name = host == "0.0.0.0" ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host
        Console.note("serving at http://\(name):\(port)/ (Ctrl-C stops)")
      case .socket(let path): Console.note("serving at the socket \(path) (Ctrl-C stops)")
      }
    }
    await index.close()
  }
}
