import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Why a request failed, and whether a retry may help.
enum RequestFailure: Error {
  /// The server cannot be reached: offline, unknown host name or nothing listening.
  case unreachable(String)
  /// The connection ended or stalled before the response was complete.
  case broken(String)
  /// The server is temporarily unavailable (429, 5xx), with its `Retry-After` in seconds if given.
  case busy(String, seconds: Int?)
  /// A failure that a retry would not change.
  case refused(HubError)

  /// The failure for an error of the HTTP client; `host` is the server.
  init(_ error: any Error, host: String) {
    switch error {
    case let failure as RequestFailure: self = failure
    case let error as HubError: self = .refused(error)
    case let error as NIOConnectionError where error.connectionErrors.isEmpty:
      self = .unreachable("no address found for \(host)")
    case is NIOConnectionError: self = .unreachable("cannot connect to \(host)")
    // Thrown if the host is a numeric address; other codes occur during a response.
    case let error as IOError
    where [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode):
      self = .unreachable("cannot connect to \(host)")
    case let error as HTTPClientError
    where error == .connectTimeout || error == .tlsHandshakeTimeout:
      self = .unreachable("\(host) does not respond")
    case let error as HTTPClientError
    where error == .deadlineExceeded || error == .readTimeout:
      self = .broken("\(host) stopped responding")
    case is CancellationError: self = .refused(HubError("cancelled"))
    default:
      let text = String(describing: error)
      // NIOSSL reports certificate errors with BoringSSL's names.
      if text.contains("CERTIFICATE_VERIFY_FAILED") {
        self = .refused(
          HubError(
            "the certificate of \(host) is not trusted; check that ca-certificates is installed and "
              + "that the clock is right"))
      } else {
        self = .broken("the connection to \(host) broke")
      }
    }
  }

  /// The failure for a response's status; nil if the response can be used. `what` is the requested
  /// item; `isHub` is whether the server is the hub, which checks access tokens, rather than one
  /// that it redirects to.
  init?(_ response: HTTPClientResponse, host: String, what: String, isHub: Bool, hasToken: Bool) {
    let status = response.status.code
    switch status {
    case 200, 206, 301, 302, 303, 307, 308, 416: return nil
    case 401 where isHub, 403 where isHub:
      self = .refused(
        HubError(
          hasToken

            ? "\(what): \(host) denies access with this token; check on the model's page whether its "
              + "licence must be accepted"
            : "\(what): \(host) reports that it is gated, private or missing; set HF_TOKEN to an "
              + "access token of your account"))
    case 404, 410:
      self = .refused(HubError("\(what): not found on \(host); check the spelling"))
    case 429: self = .busy("\(host) limits the rate of requests", seconds: Self.wait(response))
    case 500...:
      self = .busy(
        "\(host) is having problems (HTTP status \(status))", seconds: Self.wait(response))
    default: self = .refused(HubError("\(what): \(host) responded with HTTP status \(status)"))
    }
  }

  /// `Retry-After`, if it is a number of seconds.
  private static func wait(_ response: HTTPClientResponse) -> Int? {
    response.headers.first(name: "Retry-After").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
  }

  /// What happened, for the user.
  var reason: String {
    switch self {
    case .unreachable(let text), .broken(let text), .busy(let text, _): text
    case .refused(let error): error.description
    }
  }
}

/// Counts failed attempts and determines when to retry.
struct RetryState {
  /// The number of consecutive failures after which to give up.
  static let limit = 5
  /// The longest wait in seconds; if the server asks for more, the pull fails.
  static let longestWait = 120

  private var failures = 0

  /// Resets the count after progress.
  mutating func succeeded() { failures = 0 }

  /// The seconds to wait before the next attempt; throws if there should be none.
  mutating func wait(after failure: RequestFailure) throws(HubError) -> Int {
    failures += 1
    var seconds = 1 << (failures - 1)
    switch failure {
    case .refused(let error): throw error
    case .busy(let text, let asked?) where asked > Self.longestWait:
      throw HubError("\(text) and asks for a wait of \(asked) seconds; try again after that")
    case .busy(_, let asked?): seconds = asked
    case .busy, .broken, .unreachable: break
    }
    guard failures < Self.limit else {
      throw HubError(
        "\(failure.reason), \(failures) times in a row; try again later to resume")
    }
    return seconds
  }
}
