import BLIP
import Checkpoints
import Files
import FoundationEssentials
import Glibc
import Images
import LMDB
import StoreTestSupport
import Tensors
import TestSupport
import Testing
import VectorIndex

@testable import Retrieval
@testable import Store

/// An index of every format, made by the blip of its time (commits 8acbf37, 1a2b352, f3f632d, and that of this line) from
/// the same pictures with the tiny model:
///
///     BLIP_FORMAT_SOURCE=/tmp/source swift test --filter IndexFormatTests
///     blip index /tmp/source/pictures --model /tmp/source/blip-tiny --index /tmp/index \
///       --precision fp32 --features bf16
///
/// A new format gets a fixture of its own, the `data.mdb` of that index.
@Suite("An index of every format", .ownsProcess)
struct IndexFormatTests {
  private static let formats = Array(1...MetadataTable.formatVersion)
  private static let query = "a red bird under blue bands"

  /// The files, and a copy of the index of that format.
  private static func fixture(format: Int) throws -> IndexFixture {
    let fixture = try IndexFixture()
    FormatSource.write(to: fixture.collection)
    let path = "\(Checkout.fixtures(of: "StoreTests"))/format-\(format)/data.mdb"
    try FileManager.default.createDirectory(
      atPath: fixture.index, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: path, toPath: fixture.index + "/data.mdb")
    return fixture
  }

  private static func formatVersion(_ path: String) throws -> Int? {
    let environment = try Environment(path, access: .readOnly)
    return try environment.read { transaction in
      try Table<UTF8Text, UTF8Text>(opening: "meta", in: transaction)
        .get("format_version", in: transaction).flatMap { Int($0) }
    }
  }

  @Test("has a fixture", arguments: formats)
  func version(_ format: Int) throws {
    let fixture = try Self.fixture(format: format)
    #expect(try Self.formatVersion(fixture.index) == format)
  }

  @Test("is read: records, texts, failures, embeddings and patch features", arguments: formats)
  func contents(_ format: Int) throws {
    let fixture = try Self.fixture(format: format)
    let contents = try fixture.contents()
    #expect(contents.keys.sorted() == FormatSource.pictures.map(\.name).sorted())
    #expect(try fixture.failures().keys.sorted() == [FormatSource.letter])
    try IndexStore.open(fixture.index).read { snapshot in
      let metadata = snapshot.metadata
      #expect(metadata.model.fingerprint == fixture.model.folder.fingerprint)
      #expect(metadata.precision == .fp32 && metadata.features == .bf16)
      for picture in FormatSource.pictures {
        let content = try #require(contents[picture.name])
        let encoding = try fixture.model.encode(
          ImageDecoder().picture(
            at: Array("\(fixture.collection.path)/\(picture.name)".utf8), forSide: nil))
        #expect(isClose(content.embedding, encoding.embedding))
        #expect(content.texts == picture.texts)
        let id = try #require(try snapshot.pictureID(path: Array(picture.name.utf8)))
        let features = try #require(try snapshot.features(picture: id))
        #expect(
          zip(features.values, encoding.features.values)
            .allSatisfy { abs($0 - $1) <= abs($1) / 128 + 1e-5 })
      }
    }
  }

  @Test("is searched as one made now", arguments: formats)
  func search(_ format: Int) async throws {
    let fixture = try Self.fixture(format: format)
    let now = try IndexFixture()
    FormatSource.write(to: now.collection)
    try await now.run(features: .bf16)
    for depth in [0, 4] {
      let found = try Self.hits(fixture, depth)
      let expected = try Self.hits(now, depth)
      #expect(found.map(\.path) == expected.map(\.path))
      for (hit, other) in zip(found, expected) {
        #expect(abs(hit.cosine - other.cosine) < 1e-5)
        #expect(abs((hit.matchLogit ?? 0) - (other.matchLogit ?? 0)) < 1e-2)
        #expect(hit.captions == other.captions)
      }
    }
    try IndexStore.open(fixture.index).read { snapshot in
      let query = try #require(try snapshot.embedding(picture: 1))
      let trips = try snapshot.pictures(under: Array("trips".utf8))
      let found = try snapshot.nearestPictures(to: query, count: 3, among: trips)
      #expect(trips.count == 2 && Set(found.map(\.id)) == trips)
      #expect(try snapshot.nearestTexts(to: query, count: 9).count == 3)
    }
  }

  private static func hits(_ fixture: IndexFixture, _ depth: Int) throws -> [PictureHit] {
    try Searcher(index: fixture.index, modelPath: TinyModel.retrieval.path).search(
      text: query, count: 9, rerankDepth: depth, minimumMatch: nil)
  }

  @Test("is sound, and still is when the next run that writes has upgraded it", arguments: formats)
  func upgrade(_ format: Int) async throws {
    let fixture = try Self.fixture(format: format)
    let old = try IndexStore.open(fixture.index).read { try $0.check() }
    #expect(old.isSound, "\(old.faults)")
    if let tables = [1: 10, 2: 13, 3: 13][format] { #expect(old.tables.count == tables) }
    let before = (try fixture.contents(), try Self.hits(fixture, 4))

    let pictures = FormatSource.pictures.count
    #expect(
      try await fixture.run().summary
        == summary(found: pictures + 1, unchanged: pictures, failed: 1))
    #expect(try Self.formatVersion(fixture.index) == MetadataTable.formatVersion)
    let new = try IndexStore.open(fixture.index).read { try $0.check() }
    #expect(new.isSound, "\(new.faults)")
    #expect(try new.tables.count == StoreFixture.tableCount())
    #expect(try fixture.contents() == before.0)
    #expect(try Self.hits(fixture, 4).map(\.path) == before.1.map(\.path))

    fixture.collection.remove(FormatSource.pictures[0].name)
    #expect(try await fixture.run().summary.vanished == 1)
    #expect(try Self.hits(fixture, 0).count == pictures - 1)
  }

  @Test("is sound and has lost nothing when a repair has upgraded it", arguments: formats)
  func repair(_ format: Int) throws {
    let fixture = try Self.fixture(format: format)
    let before = try fixture.contents()
    try rewrite(fixture.index) { transaction in
      try Table<RawBytes, RawBytes>(opening: "paths", in: transaction).removeAll(in: transaction)
    }
    let repair = try IndexStore.repair(fixture.index)
    #expect(repair.check.count(.rebuild) == before.count && repair.pictures == 0)
    let check = try IndexStore.check(fixture.index)
    #expect(check.isSound, "\(check.faults)")
    #expect(try check.tables.count == StoreFixture.tableCount())
    #expect(try fixture.contents() == before)
    #expect(try Self.formatVersion(fixture.index) == MetadataTable.formatVersion)
  }

  private static let source = getenv("BLIP_FORMAT_SOURCE").map { String(cString: $0) }

  @Test(
    "is made of these pictures and this model",
    .enabled(if: source != nil, "set BLIP_FORMAT_SOURCE to a new folder to write them there"))
  func writeSource() throws {
    let folder = TemporaryFolder()
    TinyModel.retrieval.write(to: folder)
    let collection = Collection()
    FormatSource.write(to: collection)
    try FileManager.default.moveItem(
      atPath: collection.path, toPath: folder.path + "/pictures")
    try FileManager.default.copyItem(atPath: folder.path, toPath: #require(Self.source))
  }
}

/// The files that the indexes were made of.
private enum FormatSource {
  static let pictures: [(name: String, texts: [String])] = [
    ("0.png", ["a red bird"]), ("1.png", []), ("2.png", ["blue bands"]), ("trips/3.png", []),
    ("trips/4.png", ["two dogs on a beach, one running"]),
  ]
  /// Not a picture: a failure of the index.
  static let letter = "letter.jpg"

  static func write(to collection: Collection) {
    for (seed, picture) in pictures.enumerated() {
      collection.write(picture.name, TestPNG.picture(seed: seed))
      guard let text = picture.texts.first else { continue }
      collection.write(picture.name.replacing(".png", with: ".txt"), text)
    }
    collection.write(letter, "Dear reader")
  }
}
