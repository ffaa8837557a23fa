import Digests
import Synchronization

/// A local model hub. It lists the files of one repository and serves them as Hugging Face does:
/// small files from its own address after a redirect, weights from another server.
public final class FakeHub: Sendable {
  /// The commit that every revision points to.
  public static let commit = "0123456789abcdef0123456789abcdef01234567"

  /// The hub itself, and the storage server that it redirects to for weights.
  public let hub, store: LocalServer
  private let replyChange: ReplyChange

  private final class ReplyChange: Sendable {
    let change = Mutex<@Sendable (Request, inout Reply) -> Void>({ _, _ in })

    func callAsFunction(_ request: Request, _ reply: Reply) -> Reply {
      var reply = reply
      change.withLock { $0 }(request, &reply)
      return reply
    }
  }

  /// A hub with one repository; `listed` are the names it lists, by default those of `files`.
  public init(
    _ repository: String, files: [String: [UInt8]], listed: [String]? = nil
  ) async throws {
    let replyChange = ReplyChange()
    let store = try await LocalServer { request in
      let name = request.path.split(separator: "?")[0].split(separator: "/").last.map(String.init)
      guard let name, let bytes = files[name] else { return Reply(404) }
      return replyChange(request, Self.part(of: bytes, for: request))
    }
    let address = store.address
    let names = listed ?? files.keys.sorted()
    hub = try await LocalServer { request in
      replyChange(
        request, Self.answer(request, repository, files: files, names: names, store: address))
    }
    self.store = store
    self.replyChange = replyChange
  }

  /// The value for `HF_ENDPOINT`.
  public var endpoint: String { hub.address }

  /// From now on, `change` modifies the replies of both servers before they are sent.
  public func change(_ change: @escaping @Sendable (Request, inout Reply) -> Void) {
    replyChange.change.withLock { $0 = change }
  }

  /// The name of a blob with these contents in Git LFS.
  public static func sha256(_ bytes: [UInt8]) -> String { hexadecimal(SHA256.digest(of: bytes)) }

  /// The name of a blob with these contents in git.
  public static func gitName(_ bytes: [UInt8]) -> String {
    var digest = MessageDigest(.sha1)
    for part in [Array("blob \(bytes.count)\0".utf8), bytes] {
      part.withUnsafeBytes { digest.update($0) }
    }
    return hexadecimal(digest.finish())
  }

  private static func isLarge(_ name: String) -> Bool {
    name.hasSuffix(".safetensors") || name.hasSuffix(".bin")
  }

  private static func answer(
    _ request: Request, _ repository: String, files: [String: [UInt8]], names: [String],
    store: String
  ) -> Reply {
    if request.path.hasPrefix("/api/models/\(repository)/revision/") {
      let list = names.map { "{\"rfilename\": \"\($0)\"}" }.joined(separator: ", ")
      return Reply(
        200, headers: ["Content-Type": "application/json"],
        body: Array("{\"sha\": \"\(commit)\", \"siblings\": [\(list)]}".utf8))
    }
    for place in ["/\(repository)/resolve/\(commit)/", "/cache/"] {
      guard request.path.hasPrefix(place) else { continue }
      let name = String(request.path.dropFirst(place.count))
      guard let bytes = files[name] else { break }
      if isLarge(name) {
        return Reply(
          302,
          headers: [
            "X-Repo-Commit": commit, "X-Linked-Etag": "\"\(sha256(bytes))\"",
            "X-Linked-Size": "\(bytes.count)", "Location": "\(store)/\(name)?signature=x",
            "ETag": "\"of the redirect\"",
          ])
      }
      guard place == "/cache/" else { return Reply(307, headers: ["Location": "/cache/\(name)"]) }
      var reply = part(of: bytes, for: request)
      reply.headers["X-Repo-Commit"] = commit
      reply.headers["ETag"] = "W/\"\(gitName(bytes))\""
      return reply
    }
    return Reply(404)
  }

  /// The complete file or, for a range request, its end.
  private static func part(of bytes: [UInt8], for request: Request) -> Reply {
    guard let range = request["Range"], let start = Int(range.dropFirst(6).dropLast()) else {
      return Reply(200, body: bytes)
    }
    guard start < bytes.count else { return Reply(416) }
    return Reply(
      206, headers: ["Content-Range": "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"],
      body: Array(bytes[start...]))
  }
}
