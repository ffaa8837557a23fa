import FoundationEssentials

/// Where the hub is and who asks it, as huggingface_hub's variables say.
package struct HubSettings: Sendable {
  /// `$HF_ENDPOINT` without its last slash, else `https://huggingface.co`.
  package let endpoint: String
  /// `$HF_HUB_OFFLINE` is set to 1, true, yes or on: nothing may be asked of the hub.
  package let isOffline: Bool
  /// `$HF_TOKEN`, else what `$HF_TOKEN_PATH` or the file `token` in `$HF_HOME` holds.
  let token: String?
  /// The only server that the token is for.
  let origin: Origin

  /// Reads the variables; empty ones count as unset.
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
        "\(value("HF_TOKEN") == nil ? file ?? "" : "HF_TOKEN") holds no access token of the hub")
    }
    self.token = token.first.map(String.init)
  }
}

/// A server: what has to be the same for a secret to be meant for it.
struct Origin: Sendable, Equatable {
  let isEncrypted: Bool
  let host: String
  let port: Int

  /// Nil for an address that is not of HTTP.
  init?(_ url: URL) {
    guard let scheme = url.scheme?.lowercased(), scheme == "https" || scheme == "http",
      let host = url.host, !host.isEmpty
    else { return nil }
    isEncrypted = scheme == "https"
    self.host = host.lowercased()
    port = url.port ?? (isEncrypted ? 443 : 80)
  }
}
