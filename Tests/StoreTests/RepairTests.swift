import Digests
import LMDB
import StoreTestSupport
import TestSupport
import Testing
import VectorIndex

@testable import Store

/// `IndexStore.repair` after random damage.
@Suite("The repair of an index") struct RepairTests {
  typealias RawTable = CheckFixture.RawTable

  private static let derived = [
    "paths", "hashes", "picture_texts", "failures", "lists", "centroids", "places",
    "details", "terms", "signatures",
  ]

  @Test(
    "of damaged derived tables keeps every picture and text", arguments: 0..<12
  )
  func anyDamage(_ seed: Int) throws {
    var mutator = Mutator(seed: UInt64(seed))
    let fixture = try CheckFixture(pictures: 100, inLists: seed % 2 == 1)
    let nearest = try fixture.nearest()
    let tables = Self.derived.filter { _ in Bool.random(using: &mutator.random) }
    try damage(fixture, tables.isEmpty ? Self.derived : tables, &mutator)
    let repair = try fixture.repair()
    #expect(!repair.check.isSound && repair.pictures == 0 && repair.texts == 0)
    let after = try fixture.check()
    #expect(after.isSound, "\(after.faults)")
    #expect(try fixture.contentsNow() == fixture.contents)
    #expect(try fixture.nearest() == nearest)
  }

  @Test("of damage anywhere keeps what is sound, unchanged", arguments: 0..<12)
  func damageAnywhere(_ seed: Int) throws {
    var mutator = Mutator(seed: UInt64(100 + seed))
    let fixture = try CheckFixture(pictures: 60, inLists: seed % 2 == 1)
    let others = ["pictures", "embeddings", "features", "texts", "text_embeddings"]
    try damage(
      fixture, others.filter { _ in Bool.random(using: &mutator.random) } + ["paths"], &mutator)
    let repair = try fixture.repair()
    let after = try fixture.check()
    #expect(after.isSound, "\(after.faults)")
    let now = try fixture.contentsNow()
    #expect(now.pictures.count + repair.pictures >= 60 - 5)
    for (id, picture) in now.pictures where fixture.contents.pictures[id] != nil {
      var expected = fixture.contents.pictures[id]
      if picture.texts.isEmpty { expected?.texts = [] }
      #expect(picture == expected)
    }
  }

  /// Changes, deletes and adds rows of the tables.
  private func damage(
    _ fixture: CheckFixture, _ tables: [String], _ mutator: inout Mutator
  ) throws {
    try rewrite(fixture.path) { transaction in
      for name in tables {
        let table = try RawTable(opening: name, in: transaction)
        var rows: [([UInt8], [UInt8])] = []
        try table.forEach(in: transaction) { rows.append(($0, $1)) }
        for _ in 0..<Int.random(in: 1...5, using: &mutator.random) {
          guard let (key, value) = rows.randomElement(using: &mutator.random) else { continue }
          switch mutator.pick(0..<4) {
          case 0: try table.delete(key, in: transaction)
          case 1, 2: try table.put(key, mutator.mutated(value), in: transaction)
          default:
            let key = key.map { _ in UInt8.random(in: 0...255, using: &mutator.random) }
            try table.put(key, value, in: transaction)
          }
        }
      }
    }
  }
}
