internal import CLMDB
internal import Files
internal import Glibc

/// A file in an environment's folder by which a process that needs it alone asks those that keep it open for long to
/// close it for a moment. It lives as long as the value.
package final class ExclusiveRequest {
  /// The file's name.
  package static let fileName = "exclusive.request"
  /// How long a request counts, in seconds: a process that was killed leaves its own.
  private static let lifetime: Int64 = 10

  private let path: String

  /// Asks. Where the file cannot be written, nobody is asked.
  init(_ folder: String) {
    path = "\(folder)/\(Self.fileName)"
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { return }
    // Now, also where the file was left by a process that was killed.
    futimens(file, nil)
    close(file)
  }

  deinit { unlink(path) }

  /// Whether a process asks for a folder now.
  package static func exists(in folder: String) -> Bool {
    guard let status = try? FileSystem.status(Array("\(folder)/\(fileName)".utf8)) else {
      return false
    }
    let age = FileSystem.now - status.modified / 1_000_000_000
    return (-lifetime...lifetime).contains(age)
  }
}
