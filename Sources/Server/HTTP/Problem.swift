internal import HTTPTypes
internal import Hummingbird
internal import Retrieval

/// Why a request was not answered, as RFC 9457 writes it (`application/problem+json`).
struct Problem: Error, Equatable {
  let status: HTTPResponse.Status
  /// One sentence for whoever wrote the request.
  let detail: String
  /// In so many seconds the same request may succeed.
  var retryAfter: Int?

  init(_ status: HTTPResponse.Status, _ detail: String, retryAfter: Int? = nil) {
    (self.status, self.detail, self.retryAfter) = (status, detail, retryAfter)
  }

  /// What any error of the library or of the framework means to a client.
  init(_ error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case let error as RetrievalError: self.init(error)
    case let error as any HTTPResponseError: self.init(error.status, error.status.reasonPhrase)
    default: self.init(.internalServerError, "the request failed; the server's log says why")
    }
  }

  private init(_ error: RetrievalError) {
    let status: HTTPResponse.Status
    switch error.code {
    case .noSuchPicture:
      // Without the index directory, which is nobody's concern out there.
      self.init(.notFound, "the index holds no such picture")
      return
    case .emptyQuery, .invalidQuery, .invalidOption, .folderNotFound, .noTexts:
      status = .badRequest
    case .unreadablePicture: status = .unprocessableContent
    case .closed, .alreadyOpen, .noIndex, .notAnIndex, .insufficientMemory:
      self.init(.serviceUnavailable, error.description, retryAfter: 1)
      return
    default: status = .internalServerError
    }
    self.init(status, error.description)
  }

  var json: JSONOutput {
    .object([
      ("type", .string("about:blank")), ("title", .string(status.reasonPhrase)),
      ("status", .integer(status.code)), ("detail", .string(detail)),
    ])
  }

  var response: Response {
    var response = Response.json(json, status: status)
    response.headers[.contentType] = "application/problem+json"
    if let retryAfter { response.headers[.retryAfter] = "\(retryAfter)" }
    if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
    return response
  }
}
