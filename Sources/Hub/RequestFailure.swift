import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix

/// Why a request came to nothing, and whether another try may help.
enum RequestFailure: Error {
  /// No server there to talk to: offline, a wrong name, nothing listening.
  case unreachable(String)
  /// The connection ended or stood still before all had come.
  case broken(String)
  /// The server is not ready for it (429, 5xx), and says after how many seconds it will be.
  case busy(String, seconds: Int?)
  /// The server's last word, or what no further try would change.
  case refused(HubError)

  /// What a client's error means; `host` is who was asked.
  init(_ error: any Error, host: String) {
    switch error {
    case let failure as RequestFailure: self = failure
    case let error as HubError: self = .refused(error)
    case let error as NIOConnectionError where error.connectionErrors.isEmpty:
      self = .unreachable("no address of \(host) can be found")
    case is NIOConnectionError, is IOError: self = .unreachable("\(host) cannot be connected to")
    case let error as HTTPClientError
    where error == .connectTimeout || error == .tlsHandshakeTimeout:
      self = .unreachable("\(host) does not answer")
    case let error as HTTPClientError
    where error == .deadlineExceeded || error == .readTimeout:
      self = .broken("\(host) has stopped answering")
    case is CancellationError: self = .refused(HubError("cancelled"))
    default:
      let text = String(describing: error)
      // What NIOSSL says of a certificate is BoringSSL's word for it.
      if text.contains("CERTIFICATE_VERIFY_FAILED") {
        self = .refused(
          HubError(
            "the certificate of \(host) is not trusted: are Debian's ca-certificates installed, and "
              + "is the clock right?"))
      } else {
        self = .broken("the connection to \(host) broke")
      }
    }
  }

  /// What an answer's status means; nil where it is an answer to work with. `what` was asked for.
  init?(_ response: HTTPClientResponse, host: String, what: String, hasToken: Bool) {
    switch response.status.code {
    case 200, 206, 301, 302, 303, 307, 308, 416: return nil
    case 401, 403:
      self = .refused(
        HubError(
          hasToken
            ? "\(what): \(host) does not let this access token read it; look at the model's page "
              + "whether its licence has to be accepted"
            : "\(what): \(host) says that it is gated or private, or not there; put an access token "
              + "of your account into HF_TOKEN"))
    case 404, 410:
      self = .refused(HubError("\(what): \(host) has no such thing; look at the spelling"))
    case 429: self = .busy("\(host) is asked too often", seconds: Self.wait(response))
    case 500...:
      self = .busy("\(host) has trouble (\(response.status.code))", seconds: Self.wait(response))
    default: self = .refused(HubError("\(what): \(host) answers \(response.status)"))
    }
  }

  /// `Retry-After`, where it is a number of seconds.
  private static func wait(_ response: HTTPClientResponse) -> Int? {
    response.headers.first(name: "Retry-After").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
  }

  /// What happened, for a person.
  var reason: String {
    switch self {
    case .unreachable(let text), .broken(let text), .busy(let text, _): text
    case .refused(let error): error.description
    }
  }
}

/// When to try again.
struct Retrying {
  /// Tries that brought nothing before it is given up.
  static let limit = 5
  /// A longer wait than this is left to the person.
  static let longestWait = 120

  private var failures = 0

  /// Something came: what went wrong before no longer counts.
  mutating func succeeded() { failures = 0 }

  /// Seconds to wait before the next try; throws where there is none.
  mutating func wait(after failure: RequestFailure) throws(HubError) -> Int {
    failures += 1
    var seconds = 1 << (failures - 1)
    switch failure {
    case .refused(let error): throw error
    case .busy(let text, let asked?) where asked > Self.longestWait:
      throw HubError("\(text), and it asks to wait \(asked) seconds; try again then")
    case .busy(_, let asked?): seconds = asked
    case .busy, .broken, .unreachable: break
    }
    guard failures < Self.limit else {
      throw HubError(
        "\(failure.reason), \(failures) times in a row; the same command goes on from here later")
    }
    return seconds
  }
}
