import FoundationEssentials
import Images
import LMDB
import Store
import StoreTestSupport
import TestSupport
import Testing

@testable import BLIP
@testable import Retrieval

@Suite("Near-identical pictures", .ownsProcess)
struct CollapsingTests {
  /// The tiny model's weights are random, but its embeddings of the same picture in two sizes are close.
  private static func jpeg(_ seed: Int, side: Int = 120, quality: Int = 95) -> [UInt8] {
    var random = SplitMix64(seed: UInt64(seed))
    let fields = (0..<6 * 6 * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
    var pixels: [UInt8] = []
    for y in 0..<side {
      for x in 0..<side {
        let field = 3 * (y * 6 / side * 6 + x * 6 / side)
        pixels += fields[field..<field + 3]
      }
    }
    return Picture(width: side, height: side, pixels: pixels).jpeg(quality: quality)
  }

  /// Four pictures; of the first there are a copy and a smaller and a coarser version.
  private func fixture() async throws -> IndexFixture {
    let fixture = try IndexFixture()
    for seed in 1...4 { fixture.collection.write("\(seed).jpg", Self.jpeg(seed)) }
    fixture.collection.write("backup/copy.jpg", Self.jpeg(1))
    fixture.collection.write("small/1.jpg", Self.jpeg(1, side: 60))
    fixture.collection.write("coarse/1.jpg", Self.jpeg(1, quality: 40))
    try await fixture.run()
    return fixture
  }

  private static let alike: Set = ["1.jpg", "backup/copy.jpg", "small/1.jpg", "coarse/1.jpg"]

  private func search(_ fixture: IndexFixture, count: Int, collapses: Bool = true) throws
    -> [PictureHit]
  {
    let searcher = try Searcher(index: fixture.index, modelPath: nil)
    return try searcher.search(
      PictureQuery(QueryExpression(.text("fields of colour")), model: searcher.model),
      SearchOptions(count: count, rerankDepth: 0, collapsesAlike: collapses))
  }

  @Test("are one hit, the best of them, and as many different ones as are wanted are found")
  func collapse() async throws {
    let fixture = try await fixture()
    let all = try search(fixture, count: 7, collapses: false)
    #expect(all.count == 7 && all.allSatisfy(\.alike.isEmpty))
    for count in 1...4 {
      let hits = try search(fixture, count: count)
      #expect(hits.count == count)
      #expect(Set(hits.map(\.path)).count == count)
      let groups = hits.filter { !$0.alike.isEmpty }
      guard let group = groups.first else { continue }
      #expect(groups.count == 1)
      let members = [group.path] + group.alike.map(\.path)
      #expect(Set(members) == Self.alike)
      #expect(members == all.map(\.path).filter(Self.alike.contains))
      #expect(group.alike.allSatisfy { $0.location.hasSuffix("/" + $0.path) })
    }
    #expect(try search(fixture, count: 100).count == 4)
  }

  @Test("are collapsed as if all hits were known, with words and reranked too", arguments: [0, 5])
  func sameAsAll(depth: Int) async throws {
    let fixture = try IndexFixture()
    var captions: [String] = []
    // Of three pictures there are twelve versions, far more than are wanted.
    for seed in 1...20 {
      fixture.collection.write("\(seed).jpg", Self.jpeg(seed))
      captions.append("{\"image\": \"\(seed).jpg\", \"caption\": \"fields number \(seed % 7)\"}")
    }
    for copy in 0..<12 {
      for seed in [3, 6, 9] {
        fixture.collection.write("v\(copy)/\(seed).jpg", Self.jpeg(seed, quality: 70 + copy))
      }
    }
    let file = TemporaryFolder().write(
      "captions.json", Array("[\(captions.joined(separator: ","))]".utf8))
    try await fixture.run(captions: file)
    let searcher = try Searcher(index: fixture.index, modelPath: nil)
    for text in ["fields number 3", "something else"] {
      let query = try PictureQuery(QueryExpression(.text(text)), model: searcher.model)
      let all = try searcher.search(
        query, SearchOptions(count: 56, rerankDepth: depth, isExact: true, collapsesAlike: false))
      #expect(all.count == 56)
      let groups = try searcher.store.read { snapshot in
        try AlikeGroups(snapshot.compared(all.map(\.id))) { try snapshot.embedding(picture: $0) }
          .groups.map { group in group.map { all[$0].path } }
      }
      #expect((20..<30).contains(groups.count))
      for count in [1, 3, 17, 20, 30] {
        let hits = try searcher.search(
          query, SearchOptions(count: count, rerankDepth: depth, isExact: true))
        #expect(hits.map(\.path) == groups.prefix(count).map { $0[0] })
        #expect(
          hits.map { $0.probability }
            == hits.map { hit in all.first { $0.id == hit.id }!.probability })
      }
    }
  }

  @Test("are one hit of a search by picture") func byPicture() async throws {
    let fixture = try await fixture()
    let hits = try Searcher(index: fixture.index, modelPath: nil).search(
      pictureAt: fixture.collection.path + "/1.jpg", count: 4)
    #expect(hits.count == 4)
    #expect(Set([hits[0].path] + hits[0].alike.map(\.path)) == Self.alike)
  }

  @Test("are listed in groups, the largest and sharpest first, copies marked")
  func duplicates() async throws {
    let fixture = try await fixture()
    let index = try await PictureIndex.open(fixture.index)
    let found = try await index.duplicates()
    #expect(found.withoutSignature == 0 && found.groups.count == 1)
    let group = try #require(found.groups.first?.pictures)
    #expect(Set(group.map(\.path)) == Self.alike)
    #expect(group.last?.path == "small/1.jpg" && group.last?.width == 60)
    #expect(group.filter(\.isCopy).count == 1)
    for (picture, next) in zip(group, group.dropFirst()) {
      #expect(
        (picture.width, try #require(picture.sharpness))
          >= (next.width, try #require(next.sharpness)))
    }
    #expect(try await index.duplicates(in: "small").groups.isEmpty)
    await #expect { try await index.duplicates(in: "none") } throws: {
      ($0 as? RetrievalError)?.code == .folderNotFound
    }
  }

  @Test("of an older index are copies alone, until the next run makes their signatures")
  func older() async throws {
    let fixture = try await fixture()
    func dropSignatures() throws {
      try rewrite(fixture.index) { transaction in
        try Table<RawBytes, RawBytes>(opening: "signatures", in: transaction)
          .removeAll(in: transaction)
      }
    }
    try dropSignatures()
    do {
      let index = try await PictureIndex.open(fixture.index)
      let found = try await index.duplicates()
      #expect(found.withoutSignature == 7)
      #expect(found.groups.map { Set($0.pictures.map(\.path)) } == [["1.jpg", "backup/copy.jpg"]])
      await index.close()
    }
    let (summary, _) = try await fixture.run()
    #expect(summary.unchanged == 7 && summary.added + summary.changed == 0)
    let index = try await PictureIndex.open(fixture.index)
    let found = try await index.duplicates()
    #expect(found.withoutSignature == 0)
    #expect(found.groups.map { Set($0.pictures.map(\.path)) } == [Self.alike])
  }
}
