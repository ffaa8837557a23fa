import LMDB
import StoreTestSupport
import TestSupport
import Testing
import VectorIndex

@testable import Store

/// What is stored of how near pictures are to texts in general, and searches that are corrected for it.
@Suite struct HubnessTests {
  private typealias Fixture = StoreFixture

  /// A store of `count` pictures, whose hubness is drawn from `range`.
  private func fixture(_ count: Int, _ range: ClosedRange<Float>) throws -> (Fixture, [Float]) {
    let fixture = try Fixture(features: .none)
    var random = SplitMix64(seed: 8)
    let hubness = (0..<count).map { _ in Float.random(in: range, using: &random) }
    try fixture.store.write { change in
      try change.replaceTextBank(by: "bank")
      for (index, hubness) in hubness.enumerated() {
        try change.put(
          Fixture.record("\(index)"), embedding: Fixture.embedding(index), features: nil,
          hubness: hubness)
      }
    }
    return (fixture, hubness)
  }

  /// Narrow ranges end with the first candidates, wide ones need all of them.
  @Test(arguments: [-0.5...0.5, 0.2...0.25, 0.3...0.3] as [ClosedRange<Float>])
  func correctedSearchesEqualAFullSort(_ range: ClosedRange<Float>) throws {
    let (fixture, hubness) = try fixture(3000, range)
    try fixture.store.read { snapshot in
      #expect(try snapshot.isHubCorrected())
      #expect(try snapshot.textBank() == "bank")
      for seed in 5000..<5010 {
        let query = Fixture.embedding(seed)
        let expected = try snapshot.nearestPictures(to: query, count: 3000).map {
          CorrectedNeighbor(id: $0.id, cosine: $0.score, hubness: hubness[Int($0.id) - 1])
        }.sorted { ($0.score, $1.id) > ($1.score, $0.id) }
        for count in [1, 10, 500] {
          let found = try snapshot.nearestPicturesLessHubness(to: query, count: count)
          #expect(found == Array(expected.prefix(count)))
        }
        let some = Set(expected.prefix(100).map(\.id))
        let among = try snapshot.nearestPicturesLessHubness(to: query, count: 200, among: some)
        #expect(among == Array(expected.prefix(100)))
      }
    }
  }

  @Test func aPictureWithoutOneEndsTheCorrection() throws {
    let (fixture, _) = try fixture(5, 0.1...0.3)
    try fixture.store.write {
      _ = try $0.put(Fixture.record("new"), embedding: Fixture.embedding(9), features: nil)
    }
    #expect(try fixture.store.read { try $0.isHubCorrected() } == false)
    #expect(try fixture.store.read { try $0.picturesWithoutHubness() } == [6])
    try fixture.store.write { try $0.setHubness(0.25, of: 6) }
    #expect(try fixture.store.read { try $0.isHubCorrected() })
    #expect(try fixture.store.read { try $0.picturesWithoutHubness() }.isEmpty)
    #expect(try fixture.store.read { try $0.hubness(of: 6) } == 0.25)
    // Other content has another one.
    try fixture.store.write {
      _ = try $0.put(
        Fixture.record("new", seed: 2), embedding: Fixture.embedding(10), features: nil)
    }
    #expect(try fixture.store.read { try $0.picturesWithoutHubness() } == [6])
  }

  @Test func itGoesWithItsPictureAndItsBank() throws {
    let (fixture, _) = try fixture(5, 0.1...0.3)
    try fixture.store.write { try $0.removePicture(2) }
    #expect(try fixture.counts()["hubness"] == 4)
    #expect(try fixture.store.read { try $0.isHubCorrected() && $0.check().isSound })
    try fixture.store.write { try $0.replaceTextBank(by: nil) }
    #expect(try fixture.store.read { try $0.textBank() } == nil)
    #expect(try fixture.store.read { try $0.picturesWithoutHubness() } == [1, 3, 4, 5])
    #expect(try fixture.counts()["hubness"] == 0)
  }

  /// Damage is found, is an error and no other result, and a repair leaves an index that can be searched.
  @Test(arguments: ["value", "picture", "least", "no least"])
  func damageIsFoundAndMended(_ what: String) throws {
    let path: String
    do {
      let (fixture, _) = try fixture(5, 0.1...0.3)
      path = fixture.path
    }
    try rewrite(path) { transaction in
      let rows = try Table<BigEndianUInt64, RawBytes>(opening: "hubness", in: transaction)
      let meta = try Table<UTF8Text, UTF8Text>(opening: "meta", in: transaction)
      switch what {
      case "value":
        var bytes = try #require(try rows.get(3, in: transaction))
        bytes[2] ^= 1
        try rows.put(3, bytes, in: transaction)
      case "picture": try rows.put(77, HubnessCodec.encode(0.2), in: transaction)
      case "least": try meta.put("least_hubness", "0.4", in: transaction)
      default: try meta.delete("least_hubness", in: transaction)
      }
    }
    let check = try IndexStore.check(path)
    #expect(!check.isSound && check.count(.rebuild) > 0 && check.count(.reindex) == 0)
    if what != "picture" {
      #expect(throws: RetrievalError.self) {
        try IndexStore.open(path).read {
          _ = try $0.nearestPicturesLessHubness(to: Fixture.embedding(1), count: 5)
        }
      }
    }
    _ = try IndexStore.repair(path)
    let store = try IndexStore.open(path)
    #expect(try store.check().isSound)
    // A value that is lost is computed again by the next run, and all with it.
    #expect(try store.read { try $0.isHubCorrected() } == (what != "value"))
    #expect(try store.read { try $0.picturesWithoutHubness() }.count == (what == "value" ? 5 : 0))
  }
}
