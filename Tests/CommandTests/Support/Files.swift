import FoundationEssentials
import TestSupport

func readBytes(_ path: String) -> [UInt8] {
  Array(FileManager.default.contents(atPath: path) ?? Data())
}

func readJSON<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
  try JSONDecoder().decode(type, from: Data(readBytes(path)))
}

extension String {
  /// Without spaces at both ends.
  var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}

extension TemporaryFolder {
  /// The folder that it lies in.
  var parent: String { String(path[..<path.lastIndex(of: "/")!]) }
}
