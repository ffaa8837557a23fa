import BenchmarkSupport
import Foundation

// What words add to a search, and what they cost (Benchmarks/WORDS.md).
//
//   words speed [PICTURES]      time and room over so many pictures with five captions each
//   words quality MODEL FOLDER  recall on Flickr8k dev with and without words, and the weights; the index
//                               and a copy of the model with the weights are left in FOLDER

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
case "quality" where arguments.count == 3:
  let quality = Quality(
    captions: "\(shared)/data/flickr8k-dev/captions.json", modelPath: arguments[1],
    folder: arguments[2])
  try await write(quality.run())
default:
  FileHandle.standardError.write(
    Data("usage: words speed [PICTURES] | words quality MODEL FOLDER\n".utf8))
  exit(64)
}
