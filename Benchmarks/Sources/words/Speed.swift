import BenchmarkSupport
import Foundation
import Store
import TextIndex

/// The time and the room of the text index over many captioned pictures, whose captions are those of
/// Flickr8k train, drawn at random, and whose embeddings mean nothing.
struct Speed {
  let pictures: Int
  let captions: [String]
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("words-\(getpid())").path

  struct Report: Encodable {
    let pictures, captionsPerPicture: Int
    /// Milliseconds a query: captions, and their first two words.
    let caption, short: [String: Double]
    /// Building all terms at once, and what the transactions took with and without them.
    let rebuildSeconds, writeSeconds: Double
    let bytesPerPicture: Double
    let terms: Int
  }

  func run() throws -> Report {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = try IndexStore.openForWriting(folder, metadata: metadata)
    var random = SystemRandomNumberGenerator()
    let start = ContinuousClock.now
    for first in stride(from: 0, to: pictures, by: 512) {
      try store.write { change in
        for number in first..<min(first + 512, pictures) {
          let id = try change.put(record(number), embedding: embedding, features: nil)
          try change.setTexts(
            (0..<5).map { _ in (captions.randomElement(using: &random)!, embedding) }, of: id)
        }
      }
    }
    let writing = (ContinuousClock.now - start) / .seconds(1)
    let rebuilding = try ContinuousClock().measure { try store.updateTextIndex(isRebuilt: true) }
    let size = try store.read { try $0.tableSizes().first { $0.name == "terms" }! }
    let queries = (0..<1000).map { _ in captions.randomElement(using: &random)! }
    return Report(
      pictures: pictures, captionsPerPicture: 5, caption: try times(queries, in: store),
      short: try times(
        queries.map { $0.split(separator: " ").suffix(3).joined(separator: " ") }, in: store),
      rebuildSeconds: rebuilding / .seconds(1), writeSeconds: writing,
      bytesPerPicture: Double(size.bytes) / Double(pictures), terms: size.entries)
  }

  /// Each query in a snapshot of its own, as a search has it, with its analysis.
  private func times(_ queries: [String], in store: IndexStore) throws -> [String: Double] {
    let analyzer = Analyzer()
    var times: [Double] = []
    for query in queries {
      let start = ContinuousClock.now
      _ = try store.read { snapshot in
        try snapshot.textMatches(analyzer.terms(of: query, for: .query), count: 64)
      }
      times.append((ContinuousClock.now - start) / .milliseconds(1))
    }
    times.sort()
    return [
      "p50": times[times.count / 2], "p95": times[times.count * 95 / 100], "max": times.last!,
    ]
  }

  private let embedding: [Float] = [1, 0, 0, 0, 0, 0, 0, 0]

  private var metadata: IndexMetadata {
    IndexMetadata(
      name: "words", collection: "/words",
      model: IndexedModel(name: "none", path: "/none", fingerprint: "0"),
      sizes: IndexedSizes(image: 224, embedding: 8, featureRows: 1, featureColumns: 1),
      precision: .fp32, features: .none)
  }

  private func record(_ number: Int) -> PictureRecord {
    let hash = withUnsafeBytes(of: UInt64(number)) { Array($0) } + Array(repeating: 0, count: 24)
    return PictureRecord(
      path: Array("album \(number / 500)/IMG_\(100_000 + number).jpg".utf8), size: 1, modified: 1,
      contentHash: hash, width: 640, height: 480, orientation: 1)
  }
}
