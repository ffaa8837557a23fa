import FoundationEssentials
import Glibc

/// A fresh folder under /tmp. All of them vanish when the test run ends, not sooner: a test may
/// hold on to a path longer than to the value.
public struct TemporaryFolder: Sendable {
  /// Where it is.
  public let path: String

  /// Makes the folder.
  public init() {
    path = Self.make(Self.root + "/XXXXXX")
  }

  private static let root: String = {
    atexit { try? FileManager.default.removeItem(atPath: TemporaryFolder.root) }
    return make("/tmp/blip-tests-XXXXXX")
  }()

  private static func make(_ template: String) -> String {
    var path = Array(template.utf8CString)
    precondition(mkdtemp(&path) != nil, "\(template): no such folder can be made")
    return String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Writes a file into the folder; the result is its path.
  @discardableResult
  public func write(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
    let path = "\(self.path)/\(name)"
    let bytes = Array(bytes)
    guard let file = fopen(path, "wb"), fwrite(bytes, 1, bytes.count, file) == bytes.count,
      fclose(file) == 0
    else { fatalError("\(path): cannot be written") }
    return path
  }
}
