import HTTPTypes
import Hummingbird
import TestSupport
import Testing

@testable import Server

@Suite("Who may come in") struct AccessTests {
  private func request(
    _ path: String = "/api/search", host: String = "localhost:8080",
    method: HTTPRequest.Method = .get, headers: HTTPFields = [:]
  ) -> Request {
    Request(
      head: HTTPRequest(
        method: method, scheme: "http", authority: host, path: path, headerFields: headers),
      body: RequestBody(buffer: .init()))
  }

  private let local = AccessPolicy(hosts: ["localhost", "127.0.0.1", "[::1]"], token: nil)

  @Test(
    "Names of this machine are its own, others are not (DNS rebinding)",
    arguments: [
      ("localhost", true), ("LOCALHOST:8080", true), ("127.0.0.1:9", true), ("[::1]:8080", true),
      ("evil.example", false), ("localhost.evil.example", false), ("", false), ("[::2]", false),
    ])
  func hosts(host: String, isOwn: Bool) {
    let isLetIn = (try? local.checkOrigin(of: request(host: host))) != nil
    #expect(isLetIn == isOwn)
  }

  @Test("Requests that pages of other sites send are refused; links to the page are not")
  func origins() throws {
    try local.checkOrigin(of: request(headers: [.origin: "http://localhost:8080"]))
    for origin in ["http://evil.example", "null", "http://localhost:8081"] {
      #expect(throws: Problem.self) {
        try local.checkOrigin(of: request(headers: [.origin: origin]))
      }
    }
    let (site, mode) = (HTTPField.Name("Sec-Fetch-Site")!, HTTPField.Name("Sec-Fetch-Mode")!)
    try local.checkOrigin(of: request("/", headers: [site: "cross-site", mode: "navigate"]))
    #expect(throws: Problem.self) {
      try local.checkOrigin(of: request(headers: [site: "cross-site", mode: "no-cors"]))
    }
    #expect(throws: Problem.self) {
      try local.checkOrigin(
        of: request("/login", method: .post, headers: [site: "cross-site", mode: "navigate"]))
    }
  }

  @Test("A token lets in as a bearer or by the cookie of the form, and nothing else does")
  func tokens() {
    let token = AccessToken("0123456789abcdef")
    let policy = AccessPolicy(hosts: nil, token: token)
    #expect(policy.hasToken(request(headers: [.authorization: "Bearer 0123456789abcdef"])))
    #expect(policy.hasToken(request(headers: [.cookie: "blip_session=\(token.cookie)"])))
    for headers: HTTPFields in [
      [:], [.authorization: "Bearer"], [.authorization: "Bearer 0123456789abcdeg"],
      [.authorization: "Basic 0123456789abcdef"], [.cookie: "blip_session=0123456789abcdef"],
      [.cookie: "blip_session="],
    ] { #expect(!policy.hasToken(request(headers: headers))) }
    #expect(policy.isOpen("/health") && policy.isOpen("/login"))
    #expect(!policy.isOpen("/") && !policy.isOpen("/api/search") && !policy.isOpen("/metrics"))
  }

  @Test("A token is the first line of a file, and long enough")
  func tokenFiles() throws {
    let folder = TemporaryFolder()
    let path = folder.write("token", "  abcdefghijklmnop \nmore\n".utf8)
    #expect(try AccessToken(file: path).matches("abcdefghijklmnop"))
    folder.write("token", "short\n".utf8)
    #expect(throws: AccessTokenError.self) { try AccessToken(file: path) }
    #expect(throws: AccessTokenError.self) { try AccessToken(file: path + "x") }
  }

  @Test("Addresses to listen at are read as they are written")
  func addresses() {
    #expect(ListenAddress("127.0.0.1:8080") == .host("127.0.0.1", port: 8080))
    #expect(ListenAddress(":80") == .host("0.0.0.0", port: 80))
    #expect(ListenAddress("[::1]:80") == .host("::1", port: 80))
    #expect(ListenAddress("unix:/run/blip.sock") == .socket("/run/blip.sock"))
    for text in ["", "8080", "host", "::1:80", "host:", "host:70000", "unix:", "host:-1"] {
      #expect(ListenAddress(text) == nil, "\(text)")
    }
    #expect(ListenAddress("localhost:1")!.isLocal && ListenAddress("[::1]:1")!.isLocal)
    #expect(!ListenAddress(":1")!.isLocal && !ListenAddress("192.168.1.1:1")!.isLocal)
  }
}
