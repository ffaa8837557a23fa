import Digests
import LMDB
import StoreTestSupport
import TestSupport
import Testing
import VectorIndex

@testable import Store

/// `IndexSnapshot.check`, and `IndexStore.repair` of what it finds.
@Suite("The check of an index") struct CheckTests {
  typealias RawTable = CheckFixture.RawTable

  @Test("finds no fault in a sound index, flat or in lists, and a repair changes nothing")
  func sound() throws {
    for fixture in [try CheckFixture(), try CheckFixture(pictures: 120, inLists: true)] {
      let check = try fixture.check()
      #expect(check.isSound, "\(check.faults)")
      #expect(try check.tables.count == StoreFixture.tableCount())
      #expect(try fixture.repair() == IndexRepair(check: check))
      #expect(try fixture.contentsNow() == fixture.contents)
    }
  }

  @Test("finds no fault in an empty index") func empty() throws {
    let fixture = try StoreFixture()
    #expect(try fixture.store.read { try $0.check() }.isSound)
  }

  @Test("counts every fault, and names the first of each kind")
  func many() throws {
    let fixture = try CheckFixture(pictures: 60)
    try rewrite(fixture.path) { transaction in
      let paths = try RawTable(opening: "paths", in: transaction)
      for seed in 1...50 { try paths.delete(CheckFixture.pathKey(seed), in: transaction) }
      try RawTable(opening: "texts", in: transaction).put(
        BigEndianUInt64.encode(7), [1], in: transaction)
    }
    let check = try fixture.check()
    let paths = try #require(check.faults.first { $0.table == "paths" })
    #expect(paths.count == 50 && paths.examples.count == IndexCheck.mostExamples)
    #expect(check.count(.rebuild) >= 50 && check.count(.reindex) == 1)
    let repair = try fixture.repair()
    #expect(repair.pictures == 0 && repair.texts <= 1)
    #expect(try fixture.check().isSound)
  }

  @Test("of a picture that is there twice, keeps the newer one") func twice() throws {
    // What `blip index` makes of a picture whose row in `paths` is lost.
    let fixture = try CheckFixture()
    try rewrite(fixture.path) { transaction in
      try RawTable(opening: "paths", in: transaction)
        .delete(CheckFixture.pathKey(2), in: transaction)
    }
    do {
      let store = try IndexStore.openAnyForWriting(fixture.path)
      let id = try store.write {
        try $0.put(
          StoreFixture.record("2.jpg"), embedding: StoreFixture.embedding(5),
          features: StoreFixture.features(5))
      }
      #expect(id == 4)
    }
    #expect(try fixture.check().count(.rebuild) > 0)
    #expect(try fixture.repair().pictures == 1)
    #expect(try fixture.check().isSound)
    #expect(try fixture.contentsNow().pictures.keys.sorted() == [1, 3, 4])
  }

  @Test("finds settings that cannot be read, and a repair finds older ones") func settings() throws
  {
    let fixture = try CheckFixture()
    try rewrite(fixture.path) { transaction in
      try RawTable(opening: "meta", in: transaction)
        .put(Array("image_size".utf8), Array("big".utf8), in: transaction)
    }
    let check = try fixture.check()
    #expect(check.faults.map(\.table) == ["meta"])
    #expect(check.faults[0].examples[0].contains("image_size"))
    let repair = try fixture.repair()
    #expect(repair.pictures == 0 && repair.texts == 0)
    #expect(try fixture.check().isSound)
    #expect(try fixture.contentsNow() == fixture.contents)
  }
}
