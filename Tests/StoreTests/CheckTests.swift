import Digests
import Foundation
import LMDB
import StoreTestSupport
import TestSupport
import Testing
import VectorIndex

@testable import Store

/// `IndexSnapshot.check` and `IndexStore.repair`.
@Suite("The check of an index") struct CheckTests {
  typealias RawTable = CheckFixture.RawTable

  @Test("finds a sound one sound, flat or in lists, and a repair leaves it alone")
  func sound() throws {
    for fixture in [try CheckFixture(), try CheckFixture(pictures: 120, inLists: true)] {
      let check = try fixture.check()
      #expect(check.isSound, "\(check.faults)")
      #expect(check.tables.count == 13)
      let repair = try fixture.repair()
      #expect(repair == IndexRepair(check: check, pictures: 0, texts: 0))
      #expect(try fixture.contentsNow() == fixture.contents)
    }
  }

  @Test("finds an empty one sound") func empty() throws {
    let fixture = try StoreFixture()
    #expect(try fixture.store.read { try $0.check() }.isSound)
  }

  @Test("finds one of the first format sound, and so it is when it is brought up to date")
  func firstFormat() throws {
    let path = TemporaryFolder().path
    let file = try #require(
      Bundle.module.url(
        forResource: "data", withExtension: "mdb", subdirectory: "Fixtures/format-1"))
    try FileManager.default.copyItem(atPath: file.path, toPath: path + "/data.mdb")
    let old = try IndexStore.open(path).read { try $0.check() }
    #expect(old.isSound && old.tables.count == 10, "\(old.faults)")
    let repair = try IndexStore.openToRepair(path).repair()
    #expect(repair.check.isSound && repair.check.tables.count == 13, "\(repair.check.faults)")
  }

  /// One thing that is wrong, and what is said of it.
  struct Damage: Sendable, CustomTestStringConvertible {
    let table: String
    let repair: IndexCheck.Repair
    let words: String
    /// Ids that a repair drops; texts 1 to 3 are of pictures 1 to 3, and 4 is of none.
    var pictures: Set<UInt64> = []
    var texts: Set<UInt64> = []
    let inflict: @Sendable (borrowing WriteTransaction) throws -> Void

    var testDescription: String { "\(table): \(words)" }

    init(
      _ table: String, _ repair: IndexCheck.Repair, _ words: String, pictures: Set<UInt64> = [],
      texts: Set<UInt64> = [],
      _ inflict: @escaping @Sendable (RawTable, borrowing WriteTransaction) throws -> Void
    ) {
      (self.table, self.repair, self.words) = (table, repair, words)
      (self.pictures, self.texts) = (pictures, texts)
      self.inflict = { try inflict(RawTable(opening: table, in: $0), $0) }
    }

    /// A value in place of another; nil for none.
    static func row(
      _ table: String, _ key: [UInt8], _ value: [UInt8]?, _ repair: IndexCheck.Repair,
      _ words: String, pictures: Set<UInt64> = [], texts: Set<UInt64> = []
    ) -> Damage {
      Damage(table, repair, words, pictures: pictures, texts: texts) { table, transaction in
        if let value {
          try table.put(key, value, in: transaction)
        } else {
          #expect(try table.delete(key, in: transaction))
        }
      }
    }

    /// A bit of a value that is another than was written.
    static func bit(
      _ table: String, _ key: [UInt8], at offset: Int, _ repair: IndexCheck.Repair, _ words: String,
      pictures: Set<UInt64> = [], texts: Set<UInt64> = []
    ) -> Damage {
      Damage(table, repair, words, pictures: pictures, texts: texts) { table, transaction in
        var value = try #require(try table.get(key, in: transaction))
        value[offset] ^= 4
        try table.put(key, value, in: transaction)
      }
    }
  }

  private static func id(_ number: UInt64) -> [UInt8] { BigEndianUInt64.encode(number) }
  private static let flatBlock: [UInt8] = Array(repeating: 0, count: 9)
  private static let flatList: [UInt8] = Array(repeating: 0, count: 5)
  private static let all: Set<UInt64> = [1, 2, 3]
  private static func hash(_ seed: Int) -> [UInt8] {
    StoreFixture.record("", seed: 1 + seed).contentHash
  }

  private static let waysThere: [Damage] = [
    .row("paths", CheckFixture.pathKey(2), nil, .mend, "no row leads to picture 2 (2.jpg)"),
    .row(
      "paths", CheckFixture.pathKey(2), [3] + .init(repeating: 0, count: 7), .mend, "another path"),
    .row("paths", CheckFixture.pathKey(9), [9] + .init(repeating: 0, count: 7), .mend, "picture 9"),
    .row("paths", CheckFixture.pathKey(2), [1, 2], .mend, "a row has 2 bytes"),
    .row("paths", [1], [1], .mend, "a key has a hash of 1 bytes"),
    .row("hashes", hash(2) + id(2), nil, .mend, "no row leads to picture 2 (2.jpg)"),
    .row("hashes", hash(2) + id(2), [1], .mend, "a row has 1 bytes"),
    .row("hashes", hash(2) + id(3), [], .mend, "picture 3, which has other content"),
    .row("hashes", hash(2) + id(8), [], .mend, "picture 8, which is not there"),
    .row("hashes", [7], [], .mend, "a key has"),
    .row("picture_texts", id(2) + id(2), nil, .mend, "no row leads to text 2"),
    .row("picture_texts", id(2) + id(3), [], .mend, "text 3, which is of another picture"),
    .row("picture_texts", id(2) + id(9), [], .mend, "text 9, which is not there"),
    .row("picture_texts", [1], [], .mend, "a key has"),
    .row("failures", CheckFixture.pathKey(9), [1], .mend, "a note has a record of only 1 bytes"),
    .row(
      "meta", Array("next_picture_id".utf8), Array("3".utf8), .mend, "next_picture_id is 3, and 3"),
    .row("meta", Array("next_text_id".utf8), Array("x".utf8), .mend, "next_text_id is no number"),
    .row("meta", Array("next_text_id".utf8), nil, .mend, "next_text_id is no number"),
    .row("meta", Array("recall".utf8), Array("7".utf8), .mend, "the recall"),
    .row("meta", Array("text_probes_target".utf8), Array("x".utf8), .mend, "probes"),
  ]

  private static let records: [Damage] = [
    .row("pictures", id(2), [1, 2, 3], .reindex, "picture 2 has", pictures: [2], texts: [2]),
    .row("pictures", [1, 2], [1], .reindex, "a key has 2 bytes"),
    .row("pictures", id(0), [1], .reindex, "impossible id 0"),
    .row("pictures", id(2), nil, .mend, "", pictures: [2], texts: [2]),
    Damage("pictures", .mend, "picture 9 has the path of picture 2 (2.jpg)") { table, transaction in
      let value = try #require(try table.get(id(2), in: transaction))
      try table.put(id(9), value, in: transaction)
    },
    .bit("embeddings", id(0), at: 8 + 36 + 9, .reindex, "picture 2 has", pictures: [2], texts: [2]),
    .bit("embeddings", id(0), at: 0, .mend, "a row is", pictures: all, texts: all),
    .row("embeddings", id(0), nil, .reindex, "no embedding", pictures: all, texts: all),
    Damage(
      "embeddings", .reindex, "picture 2 has an embedding of length 2", pictures: [2], texts: [2]
    ) {
      try change("embeddings", [2: [2, 0, 0, 0, 0, 0, 0, 0]], $1)
    },
    Damage("embeddings", .reindex, "picture 2 has", pictures: [2], texts: [2]) {
      try change("embeddings", [2: [.nan, 0, 0, 0, 0, 0, 0, 0]], $1)
    },
    Damage("embeddings", .mend, "picture 14, which is not there") {
      try change("embeddings", [14: StoreFixture.embedding(1)], $1)
    },
    Damage("text_embeddings", .reindex, "text 4 has no embedding", texts: [4]) {
      try change("text_embeddings", [4: nil], $1)
    },
    .bit("text_embeddings", id(0), at: 8 + 36, .reindex, "text 2 has", texts: [2]),
    .row("features", id(2), nil, .reindex, "picture 2 has no features", pictures: [2], texts: [2]),
    .row("features", id(2), [1], .reindex, "picture 2 has 1 bytes", pictures: [2], texts: [2]),
    .row(
      "features", id(2), [3, 0, 0, 0, 5, 0, 0, 0] + .init(repeating: 255, count: 30), .reindex,
      "not finite", pictures: [2], texts: [2]),
    .bit(
      "features", id(2), at: 8, .reindex, "features whose checksum is wrong", pictures: [2],
      texts: [2]),
    .row("features", id(8), [1], .mend, "picture 8, which is not there"),
    .row("texts", id(2), [1], .reindex, "text 2 has", texts: [2]),
    .row("texts", id(2), nil, .mend, "", texts: [2]),
    .row(
      "texts", id(9), TextCodec.encode(TextRecord(text: "x", picture: 7)), .mend,
      "text 9 is of picture 7, which is not there"),
  ]

  private static let vectors: [Damage] = [
    .row("lists", flatBlock, nil, .mend, "list 0 of pictures holds 0 vectors where 3 belong"),
    .row("lists", flatBlock, [1, 2, 3], .mend, "a block of 3 bytes"),
    .bit("lists", flatBlock, at: 32, .mend, "checksum is wrong"),
    .row("lists", flatBlock.dropLast() + [7], [1], .mend, "block 7 of list 0 of pictures belongs"),
    .row("lists", [9], [1], .mend, "a key has a key of 1 bytes"),
    .row("lists", [2] + flatBlock.dropFirst(), [1], .mend, "belongs to nothing"),
    Damage("lists", .mend, "a code that is not of its vector (2)") {
      try put([1, 2, 3], [1, 3, 3], $0, $1)
    },
    Damage("lists", .mend, "vector 2 of pictures is in no list") {
      try put([1, 3], [1, 3], $0, $1)
    },
    Damage("lists", .mend, "vector 3, which is there twice") {
      try put([1, 3, 3], [1, 3, 3], $0, $1)
    },
    Damage("lists", .mend, "vector 8, which has no embedding") {
      try put([1, 2, 8], [1, 2, 3], $0, $1)
    },
    .bit("centroids", flatList, at: 0, .mend, "checksum is wrong"),
    .row("centroids", flatList, nil, .mend, ""),
    .row("centroids", [0, 0, 0, 0, 1], ListCodec.encode(.flat), .mend, "no centroid of 8"),
    .row("places", [0] + id(2), nil, .mend, "no row says that vector 2 of pictures"),
    .row("places", [0] + id(2), [0, 0, 0, 0, 1, 0, 0, 0], .mend, "no row says that vector 2"),
    .row("places", [0] + id(2), [1], .mend, "no row says that vector 2"),
    .row("places", [1] + id(9), .init(repeating: 0, count: 8), .mend, "vector 9 of texts"),
    .row("places", [7] + id(1), .init(repeating: 0, count: 8), .mend, "vectors of the kind 7"),
  ]

  /// Other embeddings than there were, each with its checksum.
  private static func change(
    _ table: String, _ changes: [UInt64: [Float]?], _ transaction: borrowing WriteTransaction
  ) throws {
    try EmbeddingTable(
      opening: table, of: StoreFixture.metadata(), at: "", isGrouped: true, in: transaction,
      create: false
    ).apply(changes, in: transaction)
  }

  /// The only block of pictures: ids with codes of the embeddings of these seeds.
  private static func put(
    _ ids: [UInt64], _ seeds: [Int], _ table: RawTable, _ transaction: borrowing WriteTransaction
  ) throws {
    let vectors = seeds.flatMap { StoreFixture.embedding($0) }
    let block = try VectorBlock.encode(ids: ids, vectors: vectors, dimension: 8)
    try table.put(flatBlock, block, in: transaction)
  }

  @Test("names what is wrong, and a repair mends it", arguments: waysThere + records + vectors)
  func damaged(_ damage: Damage) throws {
    let fixture = try CheckFixture()
    try rewrite(fixture.path) { try damage.inflict($0) }
    let check = try fixture.check()
    #expect(!check.isSound)
    if !damage.words.isEmpty {
      #expect(
        check.faults.contains {
          $0.table == damage.table && $0.repair == damage.repair
            && $0.examples.contains { $0.contains(damage.words) }
        }, "\(check.faults)")
    }
    #expect(try fixture.check() == check, "a check changes nothing")

    let repair = try fixture.repair()
    #expect(repair.check == check)
    let after = try fixture.check()
    #expect(after.isSound, "\(after.faults)")
    // What was whole is as it was, with the texts that are left.
    var expected = fixture.contents
    for id in damage.texts {
      expected.texts[id] = nil
      expected.pictures[id]?.texts = []
    }
    for id in damage.pictures { expected.pictures[id] = nil }
    #expect(try fixture.contentsNow() == expected)
    #expect(repair.pictures <= 3 && repair.texts <= 3)
  }

  @Test("tells all that is wrong, and as many of a kind one by one as fit")
  func many() throws {
    let fixture = try CheckFixture(pictures: 60)
    try rewrite(fixture.path) { transaction in
      let paths = try RawTable(opening: "paths", in: transaction)
      for seed in 1...50 { try paths.delete(CheckFixture.pathKey(seed), in: transaction) }
      try RawTable(opening: "texts", in: transaction).put(Self.id(7), [1], in: transaction)
    }
    let check = try fixture.check()
    let paths = try #require(check.faults.first { $0.table == "paths" })
    #expect(paths.count == 50 && paths.examples.count == IndexCheck.mostExamples)
    #expect(check.count(.mend) >= 50 && check.count(.reindex) == 1 && check.count(.none) == 0)
    let repair = try fixture.repair()
    #expect(repair.pictures == 0 && repair.texts == 1)
    #expect(try fixture.check().isSound)
  }

  @Test("leads a picture that is there twice back to the newer one") func twice() throws {
    // What `blip index` makes of a picture whose row in `paths` is lost.
    let fixture = try CheckFixture()
    try rewrite(fixture.path) { transaction in
      try RawTable(opening: "paths", in: transaction)
        .delete(CheckFixture.pathKey(2), in: transaction)
    }
    do {
      let store = try IndexStore.openToRepair(fixture.path)
      let id = try store.write {
        try $0.put(
          StoreFixture.record("2.jpg"), embedding: StoreFixture.embedding(5),
          features: StoreFixture.features(5))
      }
      #expect(id == 4)
    }
    #expect(try fixture.check().count(.mend) > 0)
    #expect(try fixture.repair().pictures == 1)
    #expect(try fixture.check().isSound)
    #expect(try fixture.contentsNow().pictures.keys.sorted() == [1, 3, 4])
  }

  @Test("of settings that cannot be read is an error that says so") func settings() throws {
    let fixture = try CheckFixture()
    try rewrite(fixture.path) { transaction in
      try RawTable(opening: "meta", in: transaction)
        .put(Array("image_size".utf8), Array("big".utf8), in: transaction)
    }
    #expect(throws: RetrievalError.self) { try fixture.check() }
    #expect(throws: RetrievalError.self) { try fixture.repair() }
  }

  private static let derived = [
    "paths", "hashes", "picture_texts", "failures", "lists", "centroids", "places",
  ]

  @Test(
    "after any damage of what follows from the rest keeps every picture and text", arguments: 0..<12
  )
  func anyDamage(_ seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let fixture = try CheckFixture(pictures: 100, inLists: seed % 2 == 1)
    let nearest = try fixture.nearest()
    let tables = Self.derived.filter { _ in Bool.random(using: &random) }
    try spoil(fixture, tables.isEmpty ? Self.derived : tables, &random)
    let repair = try fixture.repair()
    #expect(!repair.check.isSound && repair.pictures == 0 && repair.texts == 0)
    let after = try fixture.check()
    #expect(after.isSound, "\(after.faults)")
    #expect(try fixture.contentsNow() == fixture.contents)
    #expect(try fixture.nearest() == nearest)
  }

  @Test("after damage anywhere keeps what is whole, as it was", arguments: 0..<12)
  func damageAnywhere(_ seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(100 + seed))
    let fixture = try CheckFixture(pictures: 60, inLists: seed % 2 == 1)
    let others = ["pictures", "embeddings", "features", "texts", "text_embeddings"]
    try spoil(fixture, others.filter { _ in Bool.random(using: &random) } + ["paths"], &random)
    let repair = try fixture.repair()
    let after = try fixture.check()
    #expect(after.isSound, "\(after.faults)")
    let now = try fixture.contentsNow()
    #expect(now.pictures.count + repair.pictures >= 60 - 5)
    for (id, picture) in now.pictures where fixture.contents.pictures[id] != nil {
      // A record has no checksum: a spoilt one that still reads as a record stays.
      #expect(picture.embedding == fixture.contents.pictures[id]?.embedding)
    }
  }

  /// Rows of the tables are cut, replaced, taken away and added.
  private func spoil(
    _ fixture: CheckFixture, _ tables: [String], _ random: inout SeededGenerator
  ) throws {
    try rewrite(fixture.path) { transaction in
      for name in tables {
        let table = try RawTable(opening: name, in: transaction)
        var rows: [([UInt8], [UInt8])] = []
        try table.forEach(in: transaction) { rows.append(($0, $1)) }
        for _ in 0..<Int.random(in: 1...5, using: &random) {
          guard let (key, value) = rows.randomElement(using: &random) else { continue }
          switch Int.random(in: 0..<4, using: &random) {
          case 0: try table.delete(key, in: transaction)
          case 1:
            try table.put(
              key, Array(value.prefix(Int.random(in: 0...value.count, using: &random))) + [1],
              in: transaction)
          case 2:
            var spoilt = value.isEmpty ? [0] : value
            spoilt[Int.random(in: 0..<spoilt.count, using: &random)] ^= 16
            try table.put(key, spoilt, in: transaction)
          default:
            let key = key.map { _ in UInt8.random(in: 0...255, using: &random) }
            try table.put(key, value, in: transaction)
          }
        }
      }
    }
  }
}
