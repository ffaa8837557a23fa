internal import Digests
internal import HTTPTypes
internal import Hummingbird

/// The page and its files, which are part of the program, the form to sign in, and the description of the API.
struct PageRoutes {
  let token: AccessToken?
  let isBehindProxy: Bool

  func add(to router: Router<ServerContext>) {
    for file in PageFile.all {
      let path = file.name == "index.html" ? "/" : "/assets/\(file.name)"
      guard file.name != "login.html" else { continue }
      router.get(RouterPath(path)) { request, _ in file.response(to: request) }
    }
    let description = PageFile("openapi.json", PackageResources.openapi_json)
    router.get("/openapi.json") { request, _ in description.response(to: request) }
    router.get("/login") { request, _ in
      PageFile.all.first { $0.name == "login.html" }!.response(to: request)
    }
    router.post("/login") { request, _ in try await signIn(request) }
  }

  private func signIn(_ request: Request) async throws -> Response {
    guard let token else { return Response(status: .seeOther, headers: [.location: "/"]) }
    let body = try await request.bytes(atMost: 4096, "the form")
    let form = try QueryParameters(
      String(decoding: body, as: UTF8.self), known: ["token"])
    guard token.matches(form.text("token") ?? "") else {
      return Response(status: .seeOther, headers: [.location: "/login#wrong"])
    }
    let secure = isBehindProxy ? "; Secure" : ""
    return Response(
      status: .seeOther,
      headers: [
        .location: "/",
        .setCookie: "\(AccessToken.cookieName)=\(token.cookie); Path=/; HttpOnly; "
          + "SameSite=Strict; Max-Age=31536000\(secure)",
      ])
  }
}

/// A file of the page.
struct PageFile: Sendable {
  let name: String
  let contents: [UInt8]
  let tag: String

  init(_ name: String, _ contents: [UInt8]) {
    (self.name, self.contents) = (name, contents)
    tag = String(hexadecimal(SHA256.digest(of: contents)).prefix(32))
  }

  func response(to request: Request) -> Response {
    .tagged(contents, type: type, tag: tag, for: request)
  }

  private var type: String {
    switch name.split(separator: ".").last {
    case "html": "text/html; charset=utf-8"
    case "css": "text/css; charset=utf-8"
    case "js": "text/javascript; charset=utf-8"
    case "svg": "image/svg+xml"
    case "json": "application/json"
    default: "application/octet-stream"
    }
  }
}
