import FoundationEssentials
import Testing
import TestSupport

@testable import Tokenization

/// The reference results that Benchmarks/fixtures/make_tokenizer_fixtures.py wrote.
enum Reference {
  private static let fixtures = Checkout.fixtures(of: "TokenizationTests")
  static let vocabularyPath = Checkout.defaultModel + "/vocab.txt"
  static let captionsPath = Checkout.shared + "/data/flickr8k-dev/captions.json"
  static let hasCaptions = Checkout.has(captionsPath)

  struct Text: Decodable, Sendable, CustomTestStringConvertible {
    let text, clean: String
    /// The ids of `text`, at most 35.
    let ids: [Int32]
    /// A hash of the untruncated ids.
    let all: String
    let decoded: String
    var testDescription: String { text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined() }
  }

  static func texts() throws -> [Text] {
    try json([Text].self, fixtures + "/hostile.json")
  }

  static func captions() throws -> [String] {
    struct Record: Decodable { let caption: [String] }
    return try json([Record].self, captionsPath).flatMap(\.caption)
  }

  static func lines(_ fixture: String) throws -> [String] {
    let path = "\(fixtures)/\(fixture)"
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  private static func json<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
    try JSONDecoder().decode(type, from: Data(contentsOf: URL(filePath: path)))
  }
}

/// FNV-1a over numbers of 4 bytes each, as in the script.
func fnv(_ numbers: some Sequence<UInt32>) -> String {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for number in numbers {
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      hash = (hash ^ UInt64(number >> shift & 0xFF)) &* 0x100_0000_01B3
    }
  }
  let digits = String(hash, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
