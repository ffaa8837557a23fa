import FoundationEssentials

/// The hub's address and the user's access token, from huggingface_hub's environment variables.
package struct HubSettings: Sendable {
  /// `$HF_ENDPOINT` without trailing slashes, else `https://huggingface.co`.
  let endpoint: String
  /// Whether `$HF_HUB_OFFLINE` is set to 1, true, yes or on: no requests may be sent.
  let isOffline: Bool
  /// `$HF_TOKEN`, else the contents of `$HF_TOKEN_PATH` or of `token` in `$HF_HOME`.
  let token: String?
  /// The only server to which the token is sent.
  let origin: Origin

  /// Reads the environment variables; empty ones count as unset.
  package init(environment: (String) -> String?) throws(HubError) {
    func value(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
    let endpoint = value("HF_ENDPOINT") ?? "https://huggingface.co"
    guard let origin = URL(string: endpoint).flatMap(Origin.init) else {
      throw HubError("HF_ENDPOINT is \(endpoint), not an address like https://huggingface.co")
    }
    self.endpoint = String(endpoint.reversed().drop { $0 == "/" }.reversed())
    self.origin = origin
    isOffline = ["1", "true", "yes", "on"].contains(value("HF_HUB_OFFLINE")?.lowercased())

    let file =
      value("HF_TOKEN_PATH") ?? HubCache.home(environment: environment).map { "\($0)/token" }
    let stored = file.flatMap(readSmallFile).map { String(decoding: $0, as: UTF8.self) }
    let token = (value("HF_TOKEN") ?? stored)?.split(whereSeparator: \.isWhitespace) ?? []
    guard token.count <= 1, token.allSatisfy({ $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } })
    else {
      throw HubError(
        "\(value("HF_TOKEN") == nil ? file ?? "" : "HF_TOKEN") does not contain a valid access token"
      )
    }
    self.token = token.first.map(String.init)
  }
}

/// A server, identified by scheme, host and port: secrets are sent only to the same origin.
struct Origin: Sendable, Equatable {
  let isEncrypted: Bool
  let host: String
  let port: Int

  /// Nil if the URL is not an HTTP or HTTPS one.
  init?(_ url: URL) {
    guard let scheme = url.scheme?.lowercased(), scheme == "https" || scheme == "http",
      let host = url.host, !host.isEmpty
    else { return nil }
    isEncrypted = scheme == "https"
    self.host = host.lowercased()
    port = url.port ?? (isEncrypted ? 443 : 80)
  }
}
