import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Retrieval

/// Exports with damage of every kind, read to their end: each gives a `RetrievalError` or items that an
/// index can hold, and none a trap, a read beyond the end or memory without bound.
///
/// BLIP_FUZZ_SECONDS=600 goes on with new seeds for so long, from BLIP_FUZZ_SEED; each seed is printed
/// before its exports are tried, so that the last one printed is the one that found something.
@Suite("Damaged exports")
struct ExportFuzzTests {
  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
  private static let seconds = variable("BLIP_FUZZ_SECONDS").flatMap(Double.init)

  @Test("Give an error or items, never a trap", arguments: [1, 2, 3, 4] as [UInt64])
  func anErrorOrItems(seed: UInt64) throws {
    var fuzz = try ExportFuzz(seed: seed)
    for _ in 0..<150 { try fuzz.round() }
    // Both happen, or the damage is of no use.
    #expect(fuzz.refused > 0 && fuzz.taken > 0)
  }

  @Test(
    "The same for long", .enabled(if: seconds != nil, "set BLIP_FUZZ_SECONDS to fuzz for longer"))
  func forLong() throws {
    let end = ContinuousClock.now + .seconds(Self.seconds ?? 0)
    var seed = Self.variable("BLIP_FUZZ_SEED").flatMap(UInt64.init) ?? 1000
    var (refused, taken) = (0, 0)
    while ContinuousClock.now < end {
      print("fuzzing exports with seed \(seed)")
      fflush(nil)
      var fuzz = try ExportFuzz(seed: seed)
      for _ in 0..<1000 { try fuzz.round() }
      (refused, taken) = (refused + fuzz.refused, taken + fuzz.taken)
      seed += 1
    }
    print("fuzzed exports: \(refused) were refused, \(taken) were taken")
  }
}

/// Damages one file of an export and reads the export.
private struct ExportFuzz {
  private static let columns = 8
  private let folder: String
  private let files: [String: [UInt8]]
  private var random: SeededGenerator
  private(set) var refused = 0
  private(set) var taken = 0

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
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
    folder = TemporaryFolder().path + "/export"
    _ = try fixture.store.export(to: folder)
    var files: [String: [UInt8]] = [:]
    for name in [
      "blip.json", "img_emb/img_emb_0.npy", "metadata/metadata_0.jsonl", "text_emb/text_emb_0.npy",
      "text_metadata/text_metadata_0.jsonl",
    ] {
      files[name] = try FileSystem.read(Array("\(folder)/\(name)".utf8), limit: 1 << 20).bytes
    }
    self.files = files
  }

  mutating func round() throws {
    let (name, bytes) = files.sorted { $0.key < $1.key }.randomElement(using: &random)!
    try write(name, damaged(bytes))
    defer { try? write(name, bytes) }
    do {
      guard let manifest = try IndexImport.manifest(of: folder),
        manifest.embeddingSize == Self.columns
      else {
        refused += 1
        return
      }
      var source = try ExportedSource(folder, manifest)
      while let item = try source.next() { check(item) }
      taken += 1
    } catch let error as RetrievalError {
      refused += 1
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

  private mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var damaged = bytes
    for _ in 0..<[1, 1, 2, 5].randomElement(using: &random)! {
      // Half of the places are in a header.
      let end = Bool.random(using: &random) ? min(80, damaged.count) : damaged.count
      guard end > 0 else { return damaged }
      let place = Int.random(in: 0..<end, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: damaged[place] = .random(in: 0...255, using: &random)
      case 2: damaged[place] = "0123456789-.,:{}[]()'\"\\ \n".utf8.randomElement(using: &random)!
      case 3: damaged.removeSubrange(place..<min(place + 20, damaged.count))
      case 4: damaged.insert(contentsOf: damaged[place..<min(place + 20, damaged.count)], at: place)
      default: damaged.removeLast(damaged.count - place)
      }
    }
    return damaged
  }

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
  }
}
