import Images
import LMDB
import StoreTestSupport
import TestSupport
import Testing

@testable import Retrieval
@testable import Store

@Suite(
  "What picture files say of themselves, in an index", .ownsProcess,
  .enabled(if: MetadataReader.isAvailable, "libgexiv2 is not installed"))
struct IndexerDetailsTests {
  private static func picture(seed: Int, title: String) -> [UInt8] {
    PictureMetadata.png(TestPNG.picture(seed: seed), xmp: PictureMetadata.xmp(title: title))
  }

  private static func titles(_ fixture: IndexFixture) throws -> [String: String?] {
    try IndexStore.open(fixture.index).read { snapshot in
      var titles: [String: String?] = [:]
      try snapshot.forEachPicture { id, record in
        titles.updateValue(
          try snapshot.details(picture: id)?.title,
          forKey: String(decoding: record.path, as: UTF8.self))
      }
      return titles
    }
  }

  @Test("is stored with the picture, follows its content, and is told with a hit")
  func stored() async throws {
    let fixture = try IndexFixture(pictures: 1)
    fixture.collection.write("b.png", Self.picture(seed: 5, title: "a quay"))
    try await fixture.run()
    #expect(try Self.titles(fixture) == ["0.png": nil, "b.png": "a quay"])
    let hits = try Searcher(index: fixture.index, modelPath: TinyModel.retrieval.path).search(
      text: "a bird", count: 9, rerankDepth: 0, minimumMatch: nil)
    #expect(hits.first { $0.path == "b.png" }?.details?.title == "a quay")
    #expect(hits.first { $0.path == "0.png" }.map { $0.details == nil } == true)

    fixture.collection.move("b.png", to: "moved/b.png")
    fixture.collection.write("c.png", Self.picture(seed: 5, title: "a quay"))
    fixture.collection.write("0.png", Self.picture(seed: 8, title: "a rope"))
    try await fixture.run()
    #expect(
      try Self.titles(fixture) == ["0.png": "a rope", "moved/b.png": "a quay", "c.png": "a quay"])
  }

  @Test("is read by the next run where an older one did not, without encoding")
  func upgraded() async throws {
    let fixture = try IndexFixture()
    for seed in 0..<3 {
      fixture.collection.write("\(seed).png", Self.picture(seed: seed, title: "title \(seed)"))
    }
    try await fixture.run()
    try rewrite(fixture.index) { transaction in
      try Table<RawBytes, RawBytes>(opening: "details", in: transaction).removeAll(in: transaction)
    }
    fixture.collection.setTime("2.png", 1_000_000_000)
    let (summary, events) = try await fixture.run()
    #expect(summary.added == 0 && summary.changed == 0 && summary.unchanged == 3)
    #expect(events.contains(.details(3, of: 3)))
    #expect(
      try Self.titles(fixture) == ["0.png": "title 0", "1.png": "title 1", "2.png": "title 2"])
    let (_, again) = try await fixture.run()
    #expect(again == [.scanned(found: 3, toEncode: 0)])
  }
}
