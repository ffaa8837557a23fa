import BenchmarkSupport
import Foundation

// What the words of an index cost (Benchmarks/WORDS.md); `blip model calibrate` measures what they add.
//
//   words speed [PICTURES]      time and room over so many pictures with five captions each

/// The captions of a file of `[{image, caption: […]}]`.
func captions(of path: String) throws -> [String] {
  struct Record: Decodable { let caption: [String] }
  let data = try Data(contentsOf: URL(fileURLWithPath: path))
  return try JSONDecoder().decode([Record].self, from: data).flatMap(\.caption)
}

func write(_ report: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  print(String(decoding: try encoder.encode(report), as: UTF8.self))
}

let arguments = Array(CommandLine.arguments.dropFirst())
let shared = ProcessInfo.processInfo.environment["BLIP_SHARED"] ?? "../shared"
switch arguments.first {
case "speed":
  let texts = try captions(of: "\(shared)/data/flickr8k-train/captions.json")
  let count = arguments.dropFirst().first.flatMap { Int($0) } ?? 100_000
  try write(Speed(pictures: count, captions: texts).run())
default:
  FileHandle.standardError.write(
    Data("usage: words speed [PICTURES]\n".utf8))
  exit(64)
}
