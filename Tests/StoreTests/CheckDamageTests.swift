import Digests
import Images
import LMDB
import StoreTestSupport
import TestSupport
import Testing
import VectorIndex

@testable import Store

/// Every kind of damage that `IndexSnapshot.check` knows, one at a time.
@Suite("The check of a damaged index") struct CheckDamageTests {
  typealias RawTable = CheckFixture.RawTable

  /// One fault, and how it is reported.
  struct Damage: Sendable, CustomTestStringConvertible {
    let table: String
    let repair: IndexCheck.Repair
    let words: String
    /// Ids that a repair drops. Texts 1 to 3 are of pictures 1 to 3; text 4 has no picture.
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

    /// A row with another value, or without one (nil).
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

    /// A flipped bit of a value.
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

  private static let lookups: [Damage] = [
    .row("paths", CheckFixture.pathKey(2), nil, .rebuild, "no row leads to picture 2 (2.jpg)"),
    .row(
      "paths", CheckFixture.pathKey(2), [3] + .init(repeating: 0, count: 7), .rebuild,
      "another path"),
    .row(
      "paths", CheckFixture.pathKey(9), [9] + .init(repeating: 0, count: 7), .rebuild, "picture 9"),
    .row("paths", CheckFixture.pathKey(2), [1, 2], .rebuild, "a row has 2 bytes"),
    .row("paths", [1], [1], .rebuild, "a key has a hash of 1 bytes"),
    .row("hashes", hash(2) + id(2), nil, .rebuild, "no row leads to picture 2 (2.jpg)"),
    .row("hashes", hash(2) + id(2), [1], .rebuild, "a row has 1 bytes"),
    .row("hashes", hash(2) + id(3), [], .rebuild, "picture 3, which has other content"),
    .row("hashes", hash(2) + id(8), [], .rebuild, "picture 8, which is not there"),
    .row("hashes", [7], [], .rebuild, "a key has"),
    .row("picture_texts", id(2) + id(2), nil, .rebuild, "no row leads to text 2"),
    .row("picture_texts", id(2) + id(3), [], .rebuild, "text 3, which is of another picture"),
    .row("picture_texts", id(2) + id(9), [], .rebuild, "text 9, which is not there"),
    .row("picture_texts", [1], [], .rebuild, "a key has"),
    .row("failures", CheckFixture.pathKey(9), [1], .rebuild, "a note has a record of only 1 bytes"),
    .row(
      "meta", Array("next_picture_id".utf8), Array("3".utf8), .rebuild,
      "not as they were written"),
    .row("meta", Array("next_text_id".utf8), Array("x".utf8), .rebuild, "not as they were written"),
    .row("meta", Array("next_text_id".utf8), nil, .rebuild, "not as they were written"),
    .row("meta", Array("collection".utf8), Array("/".utf8), .rebuild, "not as they were written"),
    .row("meta_copy", Array("rows".utf8), [1, 2], .rebuild, ""),
    .row(
      "meta_copy", Array("changes".utf8), [1, 2], .rebuild, "recent changes are not as they were"),
  ]

  private static let records: [Damage] = [
    .row("pictures", id(2), [1, 2, 3], .reindex, "picture 2 has", pictures: [2], texts: [2]),
    .row("pictures", [1, 2], [1], .reindex, "a key has 2 bytes"),
    .row("pictures", id(0), [1], .reindex, "impossible id 0"),
    .row("pictures", id(2), nil, .rebuild, "", pictures: [2], texts: [2]),
    Damage("pictures", .rebuild, "picture 9 has the path of picture 2 (2.jpg)") {
      table, transaction in
      let pictures: SealedTable<BigEndianUInt64, PictureCodec> = try sealed("pictures", transaction)
      let value = try #require(try pictures.get(2, in: transaction))
      try pictures.put(9, value, in: transaction)
    },
    Damage("pictures", .reindex, "picture 9 has a record whose checksum is wrong") {
      table, transaction in
      let value = try #require(try table.get(id(2), in: transaction))
      try table.put(id(9), value, in: transaction)
    },
    .bit(
      "pictures", id(2), at: 3, .reindex, "picture 2 has a record whose checksum is wrong",
      pictures: [2], texts: [2]),
    .bit("texts", id(2), at: 12, .reindex, "text 2 has a record whose checksum", texts: [2]),
    .bit("signatures", id(2), at: 0, .rebuild, "picture 2 has a record whose checksum is wrong"),
    .bit(
      "failures", SHA256.digest(of: [1, 2]), at: 0, .rebuild, "a record whose checksum is wrong"),
    .bit("embeddings", id(0), at: 8 + 36 + 9, .reindex, "picture 2 has", pictures: [2], texts: [2]),
    .bit("embeddings", id(0), at: 0, .rebuild, "a row is", pictures: all, texts: all),
    .row("embeddings", id(0), nil, .reindex, "no embedding", pictures: all, texts: all),
    Damage(
      "embeddings", .reindex, "picture 2 has an embedding of length 2", pictures: [2], texts: [2]
    ) {
      try change("embeddings", [2: [2, 0, 0, 0, 0, 0, 0, 0]], $1)
    },
    Damage("embeddings", .reindex, "picture 2 has", pictures: [2], texts: [2]) {
      try change("embeddings", [2: [.nan, 0, 0, 0, 0, 0, 0, 0]], $1)
    },
    Damage("embeddings", .rebuild, "picture 14, which is not there") {
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
    .row("features", id(8), [1], .rebuild, "picture 8, which is not there"),
    .row("details", id(2), [1], .rebuild, "picture 2 has a record of only 1 bytes"),
    .bit("details", id(2), at: 9, .rebuild, "picture 2 has a record whose checksum is wrong"),
    .row("signatures", id(2), [1], .rebuild, "picture 2 has a record of only 1 bytes"),
    .row(
      "signatures", id(2), SignatureCodec.encode(StoreFixture.signature(1)).map { _ in 255 },
      .rebuild, "picture 2 has a record whose checksum is wrong"),
    Damage("signatures", .rebuild, "a signature of picture 8, which is not") {
      let signatures: SealedTable<BigEndianUInt64, SignatureCodec> = try sealed("signatures", $1)
      try signatures.put(8, StoreFixture.signature(1), in: $1)
    },
    Damage("details", .rebuild, "picture 8, which is not") {
      let details: SealedTable<BigEndianUInt64, DetailsCodec> = try sealed("details", $1)
      try details.put(8, PictureDetails(), in: $1)
    },
    .row("texts", id(2), [1], .reindex, "text 2 has", texts: [2]),
    .row("texts", id(2), nil, .rebuild, "", texts: [2]),
    Damage("texts", .rebuild, "text 9 is of picture 7, which is not there") {
      let texts: SealedTable<BigEndianUInt64, TextCodec> = try sealed("texts", $1)
      try texts.put(9, TextRecord(text: "x", picture: 7), in: $1)
    },
  ]

  private static let terms: [Damage] = [
    .row("terms", TermTable.key(of: "titl", 0), nil, .rebuild, "1 rows are not there"),
    .bit("terms", TermTable.key(of: "titl", 0), at: 5, .rebuild, "checksum is wrong"),
    .row("terms", TermTable.key(of: "titl", 0), [1], .rebuild, "a record of only 1 bytes"),
    .row(
      "terms", TermTable.key(of: "titl", 0), TermTable.sealed([1, 0, 1, 0x80, 1]), .rebuild,
      "a row that is not of its pictures"),
    .row(
      "terms", TermTable.key(of: "nowhere", 0), TermTable.sealed([1, 0, 1, 0x80, 1]), .rebuild,
      "a term that no picture has"),
    .row("terms", [1, 2, 3], TermTable.sealed([]), .rebuild, "a term that no picture has"),
    .row("terms", [0], nil, .rebuild, "no statistics"),
    .row("terms", [0], TermTable.sealed([7]), .rebuild, "a record of only 1 bytes"),
    .bit("terms", [0], at: 4, .rebuild, "checksum is wrong"),
  ]

  private static let vectors: [Damage] = [
    .row("lists", flatBlock, nil, .rebuild, "list 0 of pictures holds 0 vectors where 3 belong"),
    .row("lists", flatBlock, [1, 2, 3], .rebuild, "a block of 3 bytes"),
    .bit("lists", flatBlock, at: 32, .rebuild, "checksum is wrong"),
    .row(
      "lists", flatBlock.dropLast() + [7], [1], .rebuild, "block 7 of list 0 of pictures belongs"),
    .row("lists", [9], [1], .rebuild, "a key has a key of 1 bytes"),
    .row("lists", [2] + flatBlock.dropFirst(), [1], .rebuild, "belongs to nothing"),
    Damage("lists", .rebuild, "a code that is not of its vector (2)") {
      try put([1, 2, 3], [1, 3, 3], $0, $1)
    },
    Damage("lists", .rebuild, "vector 2 of pictures is in no list") {
      try put([1, 3], [1, 3], $0, $1)
    },
    Damage("lists", .rebuild, "vector 3, which is there twice") {
      try put([1, 3, 3], [1, 3, 3], $0, $1)
    },
    Damage("lists", .rebuild, "vector 8, which has no embedding") {
      try put([1, 2, 8], [1, 2, 3], $0, $1)
    },
    .bit("centroids", flatList, at: 0, .rebuild, "checksum is wrong"),
    .row("centroids", flatList, nil, .rebuild, ""),
    .row(
      "centroids", [0, 0, 0, 0, 1],
      ListCodec.encode(VectorList(count: 0, lastBlock: 0, centroid: [])), .rebuild,
      "no centroid of 8"),
    .row("places", [0] + id(2), nil, .rebuild, "no row says that vector 2 of pictures"),
    .row("places", [0] + id(2), [0, 0, 0, 0, 1, 0, 0, 0], .rebuild, "no row says that vector 2"),
    .row("places", [0] + id(2), [1], .rebuild, "no row says that vector 2"),
    .row("places", [1] + id(9), .init(repeating: 0, count: 8), .rebuild, "vector 9 of texts"),
    .row("places", [7] + id(1), .init(repeating: 0, count: 8), .rebuild, "vectors of the kind 7"),
  ]

  /// Other embeddings than there were, each with its checksum.
  private static func change(
    _ table: String, _ changes: [UInt64: [Float]?], _ transaction: borrowing WriteTransaction
  ) throws {
    try EmbeddingTable(
      opening: table, of: StoreFixture.metadata(), at: "", format: format(transaction),
      in: transaction, create: false
    ).apply(changes, in: transaction)
  }

  private static func format(_ transaction: borrowing WriteTransaction) throws -> IndexFormat {
    let meta = try Table<UTF8Text, UTF8Text>(opening: "meta", in: transaction)
    return try MetadataTable.format(meta, of: "", in: transaction)
  }

  /// A table whose records get the seals of the index.
  private static func sealed<V: Codec>(
    _ table: String, _ transaction: borrowing WriteTransaction
  ) throws -> SealedTable<BigEndianUInt64, V> {
    try SealedTable(
      opening: table, mark: format(transaction).mark, at: "", in: transaction, create: false)
  }

  /// The only block of pictures: ids with codes of the embeddings of these seeds.
  private static func put(
    _ ids: [UInt64], _ seeds: [Int], _ table: RawTable, _ transaction: borrowing WriteTransaction
  ) throws {
    let vectors = seeds.flatMap { StoreFixture.embedding($0) }
    let block = try VectorBlock.encode(ids: ids, vectors: vectors, dimension: 8)
    try table.put(flatBlock, block, in: transaction)
  }

  @Test(
    "names what is wrong, and a repair removes it", arguments: lookups + records + terms + vectors)
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
    #expect(try fixture.check() == check, "a check must change nothing")

    let repair = try fixture.repair()
    #expect(repair.check == check)
    let after = try fixture.check()
    #expect(after.isSound, "\(after.faults)")
    // What was sound has not changed; an earlier version of a row may have been found.
    let now = try fixture.contentsNow()
    var expected = fixture.contents
    for id in damage.texts where now.texts[id] == nil {
      expected.texts[id] = nil
      expected.pictures[id]?.texts = []
    }
    for id in damage.pictures where now.pictures[id] == nil { expected.pictures[id] = nil }
    #expect(now == expected)
    #expect(repair.pictures <= 3 && repair.texts <= 3)
  }
}
