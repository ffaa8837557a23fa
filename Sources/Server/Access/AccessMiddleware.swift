internal import HTTPTypes
internal import Hummingbird

/// Who may come in: requests whose Host and Origin are the server's own, with the token where one is needed.
///
/// A page of another site can have a browser send requests here: by a name that it had resolved to this machine (DNS
/// rebinding), which the Host header tells, or with this site's cookies (request forgery), which Origin and
/// Sec-Fetch-Site tell.
struct AccessMiddleware: RouterMiddleware {
  let policy: AccessPolicy

  func handle(
    _ request: Request, context: ServerContext,
    next: (Request, ServerContext) async throws -> Response
  ) async throws -> Response {
    try policy.checkOrigin(of: request)
    guard policy.isOpen(request.uri.path) || policy.hasToken(request) else {
      if request.uri.path == "/" {
        return Response(status: .seeOther, headers: [.location: "/login"])
      }
      throw Problem(
        .unauthorized, "send the token: Authorization: Bearer TOKEN, or sign in at /login")
    }
    return try await next(request, context)
  }
}

/// The rules by which requests are let in.
struct AccessPolicy: Sendable {
  /// The names in the Host header that are the server's own; nil: any, where a proxy or a token protects it.
  let hosts: Set<String>?
  let token: AccessToken?

  /// - Throws: A `Problem` with the status 403 or 421.
  func checkOrigin(of request: Request) throws(Problem) {
    let host = request.head.authority ?? ""
    if let hosts, !(Self.name(ofHost: host).map(hosts.contains) ?? false) {
      throw Problem(
        .misdirectedRequest, "this server is not '\(host.prefix(100))'; ask for localhost")
    }
    if let origin = request.headers[.origin] {
      let end = origin.firstRange(of: "://")?.upperBound ?? origin.startIndex
      guard origin[end...] == host else {
        throw Problem(.forbidden, "requests of other sites are refused")
      }
    }
    let site = request.headers[HTTPField.Name("Sec-Fetch-Site")!]
    let mode = request.headers[HTTPField.Name("Sec-Fetch-Mode")!]
    if let site, site == "cross-site" || site == "same-site",
      mode != "navigate" || request.method != .get
    {
      throw Problem(.forbidden, "requests of other sites are refused")
    }
  }

  /// Whether a path needs no token: the form to sign in, and what says that the server runs.
  func isOpen(_ path: String) -> Bool {
    token == nil || ["/login", "/health", "/ready", "/assets/style.css"].contains(path)
  }

  func hasToken(_ request: Request) -> Bool {
    guard let token else { return true }
    if let authorization = request.headers[.authorization] {
      let parts = authorization.split(separator: " ", maxSplits: 1)
      return parts.count == 2 && parts[0].lowercased() == "bearer" && token.matches(parts[1])
    }
    guard let cookie = request.cookies[AccessToken.cookieName]?.value else { return false }
    return token.matchesCookie(cookie)
  }

  /// The name in a Host header of a name and perhaps a port; nil where it is anything else.
  private static func name(ofHost host: String) -> String? {
    let end =
      host.hasPrefix("[")
      ? host.firstIndex(of: "]").map { host.index(after: $0) } : host.firstIndex(of: ":")
    let name = host[..<(end ?? host.endIndex)]
    let port = host[name.endIndex...]
    guard
      port.isEmpty || port.first == ":" && port.utf8.dropFirst().allSatisfy({ 0x30...0x39 ~= $0 })
    else { return nil }
    return name.lowercased()
  }
}
