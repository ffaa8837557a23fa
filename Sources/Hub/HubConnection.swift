import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Sends requests to the hub, one at a time.
///
/// The protocol is huggingface_hub's: `api/models/REPO/revision/REVISION` lists a repository's
/// files; `REPO/resolve/COMMIT/FILE` is a file, on this server or redirected to another, and the
/// headers of this server's last response describe the file's contents.
struct HubConnection: Sendable {
  let settings: HubSettings
  private let client: HTTPClient

  /// The most redirects to follow.
  private static let maximumRedirects = 10
  /// How long a server may take to start its response.
  private static let responseTimeout = TimeAmount.seconds(30)

  /// Opens a connection for the duration of `body`.
  static func open<Result>(
    _ settings: HubSettings, _ body: (HubConnection) async throws -> Result
  ) async throws -> Result {
    // Redirects are followed in `answer`, which knows which server the token is for.
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow,
      timeout: .init(connect: .seconds(10), read: .seconds(30)), decompression: .disabled)
    configuration.httpVersion = .http1Only
    // A failed connection is reported at once rather than retried until the timeout.
    configuration.connectionPool.retryConnectionEstablishment = false
    let client = HTTPClient(configuration: configuration)
    let result: Result
    do { result = try await body(HubConnection(settings: settings, client: client)) } catch {
      try? await client.shutdown()
      throw error
    }
    try await client.shutdown()
    return result
  }

  /// The commit and files of a revision.
  func revision(_ reference: RepositoryReference) async throws(RequestFailure) -> RemoteRevision {
    let component = reference.revision.split(separator: "/").joined(separator: "%2F")
    let url = try address("api/models/\(reference.name)/revision/\(component)")
    let (response, host) = try await answer(.GET, url, what: "\(reference)")
    let body: ByteBuffer
    do { body = try await response.body.collect(upTo: 16 << 20) } catch is NIOTooManyBytesError {
      throw .refused(HubError("\(reference): \(host) lists more than 16 MiB of files"))
    } catch { throw RequestFailure(error, host: host) }
    guard
      let revision = try? JSONDecoder().decode(
        RemoteRevision.self, from: Data(body.readableBytesView)),
      isHexadecimal(revision.sha, count: 40)
    else { throw .refused(HubError("\(reference): \(host) does not respond like a model hub")) }
    return revision
  }

  /// The hash and size of a file of a commit, without its contents.
  func metadata(
    of name: String, in repository: String, commit: String
  ) async throws(RequestFailure) -> RemoteFile {
    let what = "\(repository)/\(name)"
    let url = try address("\(repository)/resolve/\(commit)/\(name)")
    let (response, host) = try await answer(.HEAD, url, what: what, asksForMetadata: true)
    let isRedirect = (300..<400).contains(response.status.code)
    func header(_ linked: String, else own: String?) -> String? {
      response.headers.first(name: linked) ?? own.flatMap { response.headers.first(name: $0) }
    }
    guard let etag = header("X-Linked-Etag", else: isRedirect ? nil : "ETag"),
      let blob = BlobName(etag: etag)
    else {
      throw .refused(
        HubError("\(what): \(host) does not give its hash, so it could not be verified"))
    }
    let length = header("X-Linked-Size", else: isRedirect ? nil : "Content-Length")
    guard let size = length.flatMap({ Int($0) }), size >= 0 else {
      throw .refused(HubError("\(what): \(host) does not give its size"))
    }
    guard size <= ModelFiles.limit(of: name) else {
      throw .refused(HubError("\(what): \(size) bytes is too large for such a file"))
    }
    return RemoteFile(name: name, blob: blob, size: size)
  }

  /// A file's bytes from `offset`; `from` is where the server actually starts.
  func bytes(
    of name: String, in repository: String, commit: String, from offset: Int
  ) async throws(RequestFailure) -> (body: HTTPClientResponse.Body, from: Int, host: String) {
    let what = "\(repository)/\(name)"
    let url = try address("\(repository)/resolve/\(commit)/\(name)")
    let (response, host) = try await answer(.GET, url, what: what, offset: offset)
    switch response.status.code {
    case 200: return (response.body, 0, host)
    case 206:
      // "bytes 1000-1999/2000"
      let range = response.headers.first(name: "Content-Range")?
        .wholeMatch(of: /bytes (\d+)-\d+\/(\d+|\*)/)
      guard let range, Int(range.1) == offset else {
        throw .refused(HubError("\(what): \(host) sent a different range than requested"))
      }
      return (response.body, offset, host)
    // The local part is longer than the server's file: start from the beginning.
    case 416 where offset > 0:
      return try await bytes(of: name, in: repository, commit: commit, from: 0)
    default:
      throw .refused(
        HubError("\(what): \(host) responded with HTTP status \(response.status.code)"))
    }
  }

  /// The response to a request after following redirects. With `asksForMetadata`, a redirect whose
  /// headers describe the file is returned, and so is one to another server, which cannot describe
  /// it.
  private func answer(
    _ method: HTTPMethod, _ start: URL, what: String, offset: Int = 0, asksForMetadata: Bool = false
  ) async throws(RequestFailure) -> (HTTPClientResponse, host: String) {
    var url = start
    for _ in 0...Self.maximumRedirects {
      guard let origin = Origin(url) else { throw .refused(Self.redirectError(what, url)) }
      let isHub = origin == settings.origin
      var request = HTTPClientRequest(url: url.absoluteString)
      request.method = method
      request.headers.add(name: "User-Agent", value: "blip")
      request.headers.add(name: "Accept-Encoding", value: "identity")
      if offset > 0 { request.headers.add(name: "Range", value: "bytes=\(offset)-") }
      if isHub, let token = settings.token {
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
      }
      let response: HTTPClientResponse
      do { response = try await client.execute(request, timeout: Self.responseTimeout) } catch {
        throw RequestFailure(error, host: origin.host)
      }
      if let failure = RequestFailure(
        response, host: origin.host, what: what, isHub: isHub,
        hasToken: settings.token != nil)
      {
        throw failure
      }
      guard (300..<400).contains(response.status.code) else { return (response, origin.host) }
      guard let location = response.headers.first(name: "Location"),
        let target = URL(string: location, relativeTo: url)?.absoluteURL,
        let next = Origin(target), next.isEncrypted || !origin.isEncrypted
      else { throw .refused(Self.redirectError(what, url)) }
      let isMetadata = ["X-Linked-Etag", "X-Linked-Size"].allSatisfy(
        response.headers.contains(name:))
      if asksForMetadata, isMetadata || next != origin { return (response, origin.host) }
      url = target
    }
    throw .refused(Self.redirectError(what, url))
  }

  private static func redirectError(_ what: String, _ url: URL) -> HubError {
    HubError("\(what): \(url.host ?? "the hub") redirects, but not to a usable address")
  }

  private func address(_ path: String) throws(RequestFailure) -> URL {
    guard let url = URL(string: "\(settings.endpoint)/\(path)") else {
      throw .refused(HubError("\(settings.endpoint)/\(path) is not a valid URL"))
    }
    return url
  }
}

/// What the hub reports about a revision.
struct RemoteRevision: Sendable, Decodable {
  /// The commit.
  let sha: String
  /// The paths of all files.
  var files: [String] { siblings.map(\.rfilename) }

  private let siblings: [Sibling]
  private struct Sibling: Decodable { let rfilename: String }
}

/// What the hub reports about a file.
struct RemoteFile: Sendable, Equatable {
  let name: String
  let blob: BlobName
  let size: Int
}
