/// Where a server listens: a host and a port, or a socket in the file system.
public enum ListenAddress: Sendable, Equatable, CustomStringConvertible {
  /// A name or an address of this machine, and a TCP port; with port 0 the system chooses one.
  case host(String, port: Int)
  /// The path of a Unix domain socket, for a proxy on this machine.
  case socket(String)

  /// Reads `127.0.0.1:8080`, `[::1]:8080`, `:8080` (all addresses) or `unix:/run/blip.sock`; nil for anything else.
  public init?(_ text: String) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      // What a sockaddr_un has room for.
      guard !path.isEmpty, path.utf8.count < 108 else { return nil }
      self = .socket(path)
      return
    }
    guard let colon = text.lastIndex(of: ":"),
      let port = Int(text[text.index(after: colon)...]), 0...65_535 ~= port
    else { return nil }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
    } else if host.contains(":") {
      return nil
    }
    self = .host(host.isEmpty ? "0.0.0.0" : host, port: port)
  }

  /// Whether only processes of this machine reach it.
  public var isLocal: Bool {
    switch self {
    case .host(let host, _): host == "localhost" || host == "::1" || host.hasPrefix("127.")
    case .socket: true
    }
  }

  /// As it is written.
  public var description: String {
    switch self {
    case .host(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .socket(let path): "unix:\(path)"
    }
  }
}
