internal import Digests
internal import Files

/// The secret that lets a client in.
public struct AccessToken: Sendable {
  static let cookieName = "blip_session"
  private static let fewestCharacters = 16

  private let digest: [UInt8]
  /// What the cookie holds: it says nothing of the token, and another token makes it worthless.
  let cookie: String

  /// The token in the first line of a file, which nobody else may read.
  /// - Throws: `AccessTokenError`, which names the file.
  public init(file: String) throws(AccessTokenError) {
    let text: String
    do throws(FileError) {
      let bytes = try FileSystem.read(Array(file.utf8), limit: 4096).bytes
      text = String(decoding: bytes, as: UTF8.self)
    } catch { throw AccessTokenError(description: "\(printable(file)): \(error)") }
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    let token = String(line.filter { !$0.isWhitespace })
    guard token.count >= Self.fewestCharacters else {
      throw AccessTokenError(
        description: "\(printable(file)): its first line must be a token of at least "
          + "\(Self.fewestCharacters) characters, such as `openssl rand -hex 32` prints")
    }
    self.init(token)
  }

  init(_ token: String) {
    digest = SHA256.digest(of: Array(token.utf8))
    cookie = hexadecimal(SHA256.digest(of: Array("blip session \(token)".utf8)))
  }

  /// Compares digests, whose first difference says nothing of the token, and all of their bytes.
  func matches(_ text: some StringProtocol) -> Bool {
    Self.areEqual(SHA256.digest(of: Array(text.utf8)), digest)
  }

  func matchesCookie(_ text: String) -> Bool {
    Self.areEqual(Array(text.utf8), Array(cookie.utf8))
  }

  private static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

/// Why a token cannot be used.
public struct AccessTokenError: Error, CustomStringConvertible {
  /// One line that names the file.
  public let description: String
}
