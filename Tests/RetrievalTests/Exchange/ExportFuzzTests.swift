import Captions
import Files
import FoundationEssentials
import Store
import StoreTestSupport
import TestSupport
import Testing

@testable import Retrieval

@Suite("Damaged exports")
struct ExportFuzzTests {
  @Test("Give an error or items, never a trap", arguments: [1, 2, 3, 4] as [UInt64])
  func anErrorOrItems(seed: UInt64) throws { try ExportFuzz.fuzz(seed: seed, rounds: 150) }

  @Test("The same for long", .longFuzzing)
  func forLong() throws { try ExportFuzz.fuzzForLong() }
}

/// An export with one damaged file, read to its end: a `RetrievalError` or items that an index can
/// hold.
private struct ExportFuzz: FuzzTarget {
  static let inputs = "exports"
  private static let columns = 8

  private let folder: String
  private let files: [(name: String, bytes: [UInt8])]
  private var mutator: Mutator

  init(seed: UInt64) throws {
    mutator = Mutator(
      seed: seed, focus: .head(80),
      dictionary: "0123456789-.,:{}[]()'\"\\ \n".utf8.map { [$0] })
    let fixture = try StoreFixture(features: .none)
    try fixture.store.write { change in
      for seed in 1..<6 {
        let id = try change.put(
          StoreFixture.record("\(seed).png", seed: seed),
          embedding: StoreFixture.embedding(seed), features: nil)
        try change.setTexts(
          (0..<seed % 3).map { ("text \($0)", StoreFixture.embedding(10 + $0)) }, of: id)
      }
    }
    let folder = TemporaryFolder().path + "/export"
    _ = try fixture.store.export(to: folder)
    files = try [
      "blip.json", "img_emb/img_emb_0.npy", "metadata/metadata_0.jsonl", "text_emb/text_emb_0.npy",
      "text_metadata/text_metadata_0.jsonl",
    ].map { ($0, try FileSystem.read(Array("\(folder)/\($0)".utf8), limit: 1 << 20).bytes) }
    self.folder = folder
  }

  mutating func round(_ tally: inout FuzzTally) throws {
    let (name, bytes) = mutator.pick(files)
    try write(name, mutator.mutated(bytes))
    defer { try? write(name, bytes) }
    try tally.count(rejectedBy: RetrievalError.self) {
      guard let manifest = try IndexImport.manifest(of: folder),
        manifest.embeddingSize == Self.columns
      else { return }
      var source = try ExportedSource(folder, manifest)
      while let item = try source.next() { check(item) }
    } rejection: { error in
      #expect(!error.description.contains("\n") && error.description.contains(folder))
    }
  }

  private func check(_ item: ImportedItem) {
    switch item {
    case .picture(let record, let embedding, _):
      #expect(record.fault == nil && embedding.count == Self.columns)
      #expect(embedding.allSatisfy { $0.isFinite })
    case .text(let text, _, let embedding, _):
      #expect(text.utf8.count <= CaptionFile.maximumCaptionBytes)
      #expect(embedding.count == Self.columns && embedding.allSatisfy { $0.isFinite })
    }
  }

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
  }
}
