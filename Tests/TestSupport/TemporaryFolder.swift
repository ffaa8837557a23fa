import FoundationEssentials
import Glibc

/// A new folder under /tmp. All of them are removed when the test process ends, not sooner: a test
/// may use a path for longer than the value.
public struct TemporaryFolder: Sendable {
  /// Its path.
  public let path: String

  /// Creates the folder.
  public init() {
    path = Self.make(Self.root + "/XXXXXX")
  }

  private static let root: String = {
    atexit { try? FileManager.default.removeItem(atPath: TemporaryFolder.root) }
    return make("/tmp/blip-tests-XXXXXX")
  }()

  private static func make(_ template: String) -> String {
    var path = Array(template.utf8CString)
    precondition(mkdtemp(&path) != nil, "\(template): cannot create a temporary folder")
    return String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Writes a file into the folder and returns its path. Slashes in the name create subfolders.
  @discardableResult
  public func write(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
    let path = "\(self.path)/\(name)"
    let bytes = Array(bytes)
    if let slash = name.lastIndex(of: "/") {
      try! FileManager.default.createDirectory(
        atPath: "\(self.path)/\(name[..<slash])", withIntermediateDirectories: true)
    }
    guard let file = fopen(path, "wb"), fwrite(bytes, 1, bytes.count, file) == bytes.count,
      fclose(file) == 0
    else { fatalError("\(path): cannot be written") }
    return path
  }
}
