import FoundationEssentials
import LMDB
import StoreTestSupport
import TestSupport
import Testing

@testable import Store

/// A repair of an index whose file is damaged, page by page.
@Suite("The repair of a damaged file") struct RecoveryTests {
  /// The file of an index with earlier versions of its rows in free pages, and what it holds.
  struct Sample {
    let bytes: [UInt8]
    let contents: CheckFixture.Contents
    static let pageSize = 4096
    var pageCount: Int { bytes.count / Self.pageSize }

    init(seed: Int = 0, pictures count: Int = 60) throws {
      let fixture = try CheckFixture(pictures: count)
      do {
        let store = try IndexStore.openAnyForWriting(fixture.path)
        for number in stride(from: 1, through: count, by: 7) {
          try store.write { change in
            let record = StoreFixture.record(
              CheckFixture.name(number), seed: 100 + seed % 7 + number % 50)
            let id = try change.put(
              record, embedding: StoreFixture.embedding(5000 + seed + number),
              features: StoreFixture.features(5000 + seed + number),
              signature: StoreFixture.signature(number))
            try change.setTexts([("new \(number)", StoreFixture.embedding(6000 + number))], of: id)
          }
          try store.write { try $0.removePicture(UInt64(number + 1)) }
        }
      }
      bytes = readFile(fixture.path + "/data.mdb")
      contents = try fixture.contentsNow()
    }

    /// The pages whose header says that they are branch or leaf pages, or the first of a value.
    var pages: [Int] {
      (2..<pageCount).filter { page in
        let start = page * Self.pageSize
        return bytes[start] == UInt8(truncatingIfNeeded: page)
          && [1, 2, 4].contains(bytes[start + 10])
      }
    }
  }

  private static let sample = try! Sample()
  private static let other = try! Sample(seed: 1000)

  /// An index whose file has these bytes.
  private func index(_ bytes: [UInt8]) -> String {
    let folder = TemporaryFolder()
    folder.write("data.mdb", bytes)
    return folder.path
  }

  /// Checks and repairs; nothing of what is left differs from what there was, and what is not left was
  /// reported.
  private func expectHealed(
    _ path: String, _ contents: CheckFixture.Contents,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let check = try IndexStore.check(path)
    let repair = try IndexStore.repair(path)
    #expect(repair.check == check, sourceLocation: sourceLocation)
    let after = try IndexStore.check(path)
    #expect(after.isSound, "\(after.faults)", sourceLocation: sourceLocation)
    let now = try CheckFixture.contents(of: IndexStore.open(path))
    for (id, picture) in now.pictures {
      let expected = contents.pictures[id]
      #expect(picture.record == expected?.record, sourceLocation: sourceLocation)
      #expect(picture.embedding == expected?.embedding, sourceLocation: sourceLocation)
      #expect(picture.features == expected?.features, sourceLocation: sourceLocation)
      #expect(
        Set(picture.texts).isSubset(of: expected?.texts ?? []), sourceLocation: sourceLocation)
    }
    let (pictures, texts) = (
      contents.pictures.count - now.pictures.count, contents.texts.count - now.texts.count
    )
    #expect(
      !repair.isCounted || pictures <= repair.pictures && texts <= repair.texts,
      "\(pictures) and \(texts) are lost: \(repair.pictures), \(repair.texts)",
      sourceLocation: sourceLocation)
    #expect(repair.paths.count <= repair.pictures, sourceLocation: sourceLocation)
  }

  @Test("keeps what is sound, and says what is lost", arguments: 0..<48)
  func seeded(_ seed: Int) throws {
    let sample = Self.sample
    var random = SplitMix64(seed: UInt64(seed))
    var bytes = sample.bytes
    let page = Int.random(in: 2..<sample.pageCount, using: &random) * Sample.pageSize
    switch seed % 4 {
    case 0:
      let size = 1 << Int.random(in: 0...16, using: &random)
      let start = Int.random(in: 0..<bytes.count, using: &random)
      for offset in start..<min(bytes.count, start + size) {
        bytes[offset] = .random(in: 0...255, using: &random)
      }
    case 1: for offset in page..<page + Sample.pageSize { bytes[offset] = 0 }
    case 2:
      // Headers are damaged in a test of their own.
      let other = Int.random(in: 2..<sample.pageCount, using: &random) * Sample.pageSize
      for offset in 0..<Sample.pageSize {
        bytes.swapAt(max(page, 2 * Sample.pageSize) + offset, other + offset)
      }
    default: bytes.removeLast(Int.random(in: 1...bytes.count / 2, using: &random))
    }
    let path = index(bytes)
    do { try expectHealed(path, sample.contents) } catch let error as RetrievalError {
      // A truncated file may have lost its settings.
      #expect(seed % 4 == 3 && error.code == .beyondRepair, "\(error)")
    }
  }

  @Test("with pages of another index takes none of them for its own", arguments: 0..<16)
  func foreign(_ seed: Int) throws {
    let (sample, other) = (Self.sample, Self.other)
    var random = SplitMix64(seed: UInt64(seed))
    var bytes = sample.bytes
    let count = min(sample.pageCount, other.pageCount)
    let first = Int.random(in: 2..<count, using: &random)
    let end = min(count, first + (seed % 2 == 0 ? 1 : 16))
    for offset in first * Sample.pageSize..<end * Sample.pageSize {
      bytes[offset] = other.bytes[offset]
    }
    try expectHealed(index(bytes), sample.contents)
  }

  @Test("without one of the headers, or both, loses nothing", arguments: [[0], [1], [0, 1]])
  func headers(_ pages: [Int]) throws {
    let sample = Self.sample
    var bytes = sample.bytes
    for page in pages {
      for offset in page * Sample.pageSize..<(page + 1) * Sample.pageSize { bytes[offset] = 0xA5 }
    }
    let path = index(bytes)
    #expect { try IndexStore.open(path) } throws: { ($0 as? RetrievalError)?.code == .needsRepair }
    let repair = try IndexStore.repair(path)
    #expect(!repair.check.isSound)
    let now = try CheckFixture.contents(of: IndexStore.open(path))
    for (id, picture) in sample.contents.pictures {
      #expect(now.pictures[id] == picture)
    }
    #expect(now.pictures.count == sample.contents.pictures.count)
  }

  @Test("whose pages were exchanged loses nothing", arguments: 0..<10)
  func exchanged(_ seed: Int) throws {
    let sample = Self.sample
    var random = SplitMix64(seed: UInt64(seed))
    var bytes = sample.bytes
    let (a, b) = (
      sample.pages.randomElement(using: &random)!, sample.pages.randomElement(using: &random)!
    )
    for offset in 0..<Sample.pageSize {
      bytes.swapAt(a * Sample.pageSize + offset, b * Sample.pageSize + offset)
    }
    let path = index(bytes)
    try expectHealed(path, sample.contents)
    #expect(try CheckFixture.contents(of: IndexStore.open(path)) == sample.contents)
  }

  @Test("of which nothing is left says so, and leaves it as it is")
  func nothingLeft() throws {
    let sample = try Sample(pictures: 3)
    let bytes = Array(sample.bytes.prefix(2 * Sample.pageSize))
    let path = index(bytes)
    #expect(try !IndexStore.check(path).isSound)
    #expect { try IndexStore.repair(path) } throws: {
      ($0 as? RetrievalError)?.code == .beyondRepair && "\($0)".contains("index again")
    }
    #expect(readFile(path + "/data.mdb") == bytes)
  }

  @Test(
    "of which only the settings are left, in their own file, is empty, and can be written again")
  func settingsLeft() throws {
    let sample = try Sample(pictures: 3)
    let path = index(Array(sample.bytes.prefix(2 * Sample.pageSize)))
    let fixture = try CheckFixture(pictures: 1)
    _ = try IndexStore.openAnyForWriting(fixture.path)
    let settings = readFile(fixture.path + "/settings")
    #expect(!settings.isEmpty)
    try Data(settings).write(to: URL(filePath: path + "/settings"))
    #expect(try !IndexStore.check(path).isSound)
    let repair = try IndexStore.repair(path)
    #expect(!repair.isCounted && repair.pictures == 0)
    #expect(try IndexStore.check(path).isSound)
    let store = try IndexStore.openAnyForWriting(path)
    #expect(try store.read { try $0.pictureCount() } == 0)
    #expect(store.metadata == StoreFixture.metadata())
    // A file that is not as it was written is of no use.
    var wrong = settings
    wrong[20] ^= 1
    let other = index(Array(sample.bytes.prefix(2 * Sample.pageSize)))
    try Data(wrong).write(to: URL(filePath: other + "/settings"))
    #expect { try IndexStore.repair(other) } throws: {
      ($0 as? RetrievalError)?.code == .beyondRepair
    }
  }

  @Test("is refused by who writes, before anything is written")
  func writing() throws {
    let sample = Self.sample
    var bytes = sample.bytes
    let start = sample.pages.last! * Sample.pageSize
    for offset in start..<start + Sample.pageSize { bytes[offset] = 0 }
    let path = index(bytes)
    guard try !IndexStore.check(path).isSound else { return }
    #expect { try IndexStore.openAnyForWriting(path) } throws: {
      ($0 as? RetrievalError)?.code == .needsRepair
    }
    #expect(readFile(path + "/data.mdb") == bytes)
  }
}

private func readFile(_ path: String) -> [UInt8] {
  [UInt8]((try? Data(contentsOf: URL(filePath: path))) ?? Data())
}
