import Files
import FoundationEssentials
import Glibc
import TestSupport

@testable import Retrieval

/// A collection in a temporary folder, changed as a person would change it.
struct Collection {
  let folder = TemporaryFolder()
  var path: String { folder.path }
  var root: [UInt8] { (try? FileSystem.resolved(Array(folder.path.utf8))) ?? [] }

  /// Writes a file, with the folders that its name needs.
  @discardableResult
  func write(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
    makeFolder(of: name)
    return folder.write(name, bytes)
  }

  @discardableResult
  func write(_ name: String, _ text: String) -> String { write(name, text.utf8) }

  /// Writes a file whose name need not be UTF-8.
  func write(_ name: [UInt8], _ bytes: [UInt8]) {
    let path = (joined(root, name) + [0]).map { CChar(bitPattern: $0) }
    let file = creat(path, 0o644)
    precondition(file >= 0 && Glibc.write(file, bytes, bytes.count) == bytes.count)
    close(file)
  }

  /// Copies the files of a folder, but for their owners and permissions.
  func copyFolder(_ source: String, as name: String) throws {
    for file in try FileManager.default.contentsOfDirectory(atPath: source) {
      write("\(name)/\(file)", try Data(contentsOf: URL(filePath: "\(source)/\(file)")))
    }
  }

  func remove(_ name: String) {
    try! FileManager.default.removeItem(atPath: "\(path)/\(name)")
  }

  func move(_ name: String, to other: String) {
    makeFolder(of: other)
    precondition(rename("\(path)/\(name)", "\(path)/\(other)") == 0)
  }

  func link(_ name: String, to target: String) {
    makeFolder(of: name)
    precondition(symlink(target, "\(path)/\(name)") == 0)
  }

  /// Sets the time of modification, in seconds since 1970.
  func setTime(_ name: String, _ seconds: Int) {
    let time = timespec(tv_sec: seconds, tv_nsec: 0)
    precondition(utimensat(AT_FDCWD, "\(path)/\(name)", [time, time], 0) == 0)
  }

  func setPermissions(_ name: String, _ mode: mode_t) {
    precondition(chmod("\(path)/\(name)", mode) == 0)
  }

  private func makeFolder(of name: String) {
    guard let slash = name.lastIndex(of: "/") else { return }
    try! FileManager.default.createDirectory(
      atPath: "\(path)/\(name[..<slash])", withIntermediateDirectories: true)
  }
}

/// Permissions do not bind root.
let isRoot = geteuid() == 0
