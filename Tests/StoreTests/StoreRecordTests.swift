import LMDB
import StoreTestSupport
import Tensors
import Testing

@testable import Store

@Suite struct PicturesOfAStore {
  private typealias Fixture = StoreFixture

  @Test func comeBackAsTheyWerePut() throws {
    let fixture = try Fixture()
    let records = [
      Fixture.record("a.jpg", seed: 1), Fixture.record("dir/b.jpg", seed: 2),
      Fixture.record(String(repeating: "long/", count: 1000) + "c.jpg", seed: 3),
    ]
    let ids = try fixture.store.write { change in
      try records.enumerated().map { index, record in
        try change.put(
          record, embedding: Fixture.embedding(index), features: Fixture.features(index))
      }
    }
    #expect(ids == [1, 2, 3])
    try fixture.store.read { snapshot in
      #expect(try snapshot.pictureCount() == 3)
      for (index, (id, record)) in zip(ids, records).enumerated() {
        #expect(try snapshot.picture(id) == record)
        #expect(try snapshot.pictureID(path: record.path) == id)
        #expect(try snapshot.embedding(picture: id) == Fixture.embedding(index))
        #expect(try snapshot.pictures(contentHash: record.contentHash) == [id])
      }
      var seen: [UInt64: PictureRecord] = [:]
      try snapshot.forEachPicture { seen[$0] = $1 }
      #expect(seen == Dictionary(uniqueKeysWithValues: zip(ids, records)))
      #expect(try snapshot.picture(4) == nil)
      #expect(try snapshot.embedding(picture: 4) == nil)
      #expect(try snapshot.features(picture: 4) == nil)
      #expect(try snapshot.pictureID(path: Array("none".utf8)) == nil)
    }
  }

  @Test func haveNamesOfAnyBytes() throws {
    let fixture = try Fixture()
    var record = Fixture.record("x")
    record.path = [0xFF, 0xFE, 0x0A, 0x2F, 0x80]
    let id = try fixture.store.write {
      try $0.put(record, embedding: Fixture.embedding(1), features: nil)
    }
    try fixture.store.read { snapshot throws in
      #expect(try snapshot.picture(id)?.path == record.path)
      #expect(try snapshot.pictureID(path: record.path) == id)
    }
  }

  @Test func areReplacedByTheirPathUnderTheSameID() throws {
    let fixture = try Fixture()
    try fixture.store.write { change in
      let old = Fixture.record("a.jpg", seed: 1)
      let id = try change.put(
        old, embedding: Fixture.embedding(1), features: Fixture.features(1))
      try change.setTexts([("one", Fixture.embedding(5))], of: id)
      let new = Fixture.record("a.jpg", seed: 9)
      #expect(try change.put(new, embedding: Fixture.embedding(2), features: nil) == id)
      #expect(try change.picture(id) == new)
      #expect(try change.embedding(picture: id) == Fixture.embedding(2))
      #expect(try change.features(picture: id) == nil)
      #expect(try change.pictures(contentHash: old.contentHash) == [])
      #expect(try change.pictures(contentHash: new.contentHash) == [id])
    }
    #expect(
      try fixture.counts() == [
        "pictures": 1, "paths": 1, "hashes": 1, "embeddings": 1, "features": 0, "texts": 1,
        "text_embeddings": 1, "picture_texts": 1, "failures": 0, "lists": 2, "centroids": 2,
        "places": 2,
      ])
  }

  @Test func leaveNothingWhenRemovedAndTheirIDsAreNotUsedAgain() throws {
    let fixture = try Fixture()
    try fixture.store.write { change in
      for seed in 1...20 {
        let id = try change.put(
          Fixture.record("\(seed)", seed: seed), embedding: Fixture.embedding(seed),
          features: Fixture.features(seed))
        try change.setTexts(
          [("a", Fixture.embedding(1)), ("b", Fixture.embedding(2))], of: id)
      }
    }
    try fixture.store.write { change in
      for id in 1...UInt64(20) { try change.removePicture(id) }
      #expect(throws: RetrievalError.self) { try change.removePicture(20) }
    }
    #expect(try fixture.counts().values.allSatisfy { $0 == 0 })
    let next = try fixture.store.write {
      try $0.put(Fixture.record("1"), embedding: Fixture.embedding(1), features: nil)
    }
    #expect(next == 21)
  }

  @Test func ofOneContentShareTheHash() throws {
    let fixture = try Fixture()
    let hash = Fixture.record("").contentHash
    try fixture.store.write { change in
      for path in ["a", "b", "c"] {
        try change.put(Fixture.record(path), embedding: Fixture.embedding(1), features: nil)
      }
      try change.put(Fixture.record("d", seed: 2), embedding: Fixture.embedding(1), features: nil)
      #expect(try change.pictures(contentHash: hash) == [1, 2, 3])
      try change.removePicture(2)
    }
    #expect(try fixture.store.read { try $0.pictures(contentHash: hash) } == [1, 3])
  }

  @Test func areTouchedWithoutAnythingElse() throws {
    let fixture = try Fixture()
    var record = Fixture.record("a")
    try fixture.store.write { change in
      let id = try change.put(record, embedding: Fixture.embedding(1), features: nil)
      try change.touch(path: record.path, size: 5, modified: 6)
      record.size = 5
      record.modified = 6
      #expect(try change.picture(id) == record)
      #expect(throws: RetrievalError.self) {
        try change.touch(path: Array("b".utf8), size: 1, modified: 1)
      }
    }
  }

  @Test(
    arguments: [
      [], [1], Array(repeating: 0, count: 8), [1, 0, 0, 0, 0, 0, 0, 0, 0],
      [1.002, 0, 0, 0, 0, 0, 0, 0], [.nan, 0, 0, 0, 0, 0, 0, 0], [.infinity, 0, 0, 0, 0, 0, 0, 0],
    ] as [[Float]])
  func areRefusedWithoutAnEmbeddingOfTheIndex(_ embedding: [Float]) throws {
    let fixture = try Fixture()
    try fixture.store.write { change in
      #expect(throws: RetrievalError.self) {
        try change.put(Fixture.record("a"), embedding: embedding, features: nil)
      }
      #expect(throws: RetrievalError.self) {
        try change.setTexts([("good", Fixture.embedding(1)), ("bad", embedding)], of: nil)
      }
    }
    #expect(try fixture.counts().values.allSatisfy { $0 == 0 })
  }

  @Test func areRefusedWhereTheRecordIsNone() throws {
    let fixture = try Fixture()
    let spoilt: [(inout PictureRecord) -> Void] = [
      { $0.path = [] }, { $0.contentHash.removeLast() }, { $0.width = 0 }, { $0.height = -1 },
      { $0.width = 1 << 31 }, { $0.orientation = 0 }, { $0.orientation = 9 },
    ]
    for spoil in spoilt {
      var record = Fixture.record("a")
      spoil(&record)
      #expect(throws: RetrievalError.self) {
        try fixture.store.write {
          try $0.put(record, embedding: Fixture.embedding(1), features: nil)
        }
      }
    }
  }
}

@Suite struct FeaturesOfAStore {
  private typealias Fixture = StoreFixture

  private func roundTrip(_ features: Matrix, as precision: FeaturePrecision) throws -> Matrix? {
    let fixture = try Fixture(features: precision)
    return try fixture.store.write { change in
      let id = try change.put(
        Fixture.record("a"), embedding: Fixture.embedding(1), features: features)
      return try change.features(picture: id)
    }
  }

  @Test func keepEightBitsOfTheMantissaInBF16() throws {
    let features = Fixture.features(1)
    let found = try #require(try roundTrip(features, as: .bf16))
    #expect((found.rows, found.columns) == (3, 5))
    for (value, original) in zip(found.values, features.values) {
      #expect(abs(value - original) <= abs(original) / 256)
      #expect(value.bitPattern & 0xFFFF == 0)
    }
    #expect(try roundTrip(found, as: .bf16) == found)
    // Ties go to the even neighbour.
    var ties = Matrix(rows: 3, columns: 5)
    ties.values[0] = Float(bitPattern: 0x3F80_8000)
    ties.values[1] = Float(bitPattern: 0x3F81_8000)
    let even = try #require(try roundTrip(ties, as: .bf16)).values
    #expect(even[0].bitPattern == 0x3F80_0000 && even[1].bitPattern == 0x3F82_0000)
  }

  @Test func areWithinHalfAStepInInt8() throws {
    var features = Fixture.features(2)
    for column in 0..<5 { features.values[column] = 0 }
    let found = try #require(try roundTrip(features, as: .int8))
    #expect(found.values.prefix(5).allSatisfy { $0 == 0 })
    for row in 1..<3 {
      let original = features.values[row * 5..<row * 5 + 5]
      let step = try #require(original.map(abs).max()) / 127
      for (value, number) in zip(found.values[row * 5..<row * 5 + 5], original) {
        #expect(abs(value - number) <= step * 0.5001)
      }
    }
  }

  @Test(arguments: [FeaturePrecision.bf16, .int8])
  func areRefusedWhereTheyAreNotOfTheIndex(_ precision: FeaturePrecision) throws {
    var infinite = Fixture.features(1)
    infinite.values[7] = .infinity
    var notANumber = Fixture.features(1)
    notANumber.values[0] = .nan
    for features in [
      infinite, notANumber, Matrix(rows: 5, columns: 3), Matrix(rows: 3, columns: 6),
    ] {
      #expect(throws: RetrievalError.self) { try roundTrip(features, as: precision) }
    }
  }

  @Test func areRefusedWhereTheIndexStoresNone() throws {
    #expect(throws: RetrievalError.self) { try roundTrip(Fixture.features(1), as: .none) }
  }
}

@Suite struct TextsAndFailuresOfAStore {
  private typealias Fixture = StoreFixture

  @Test func textsComeBackWithTheirPictureAndAreReplacedTogether() throws {
    let fixture = try Fixture()
    try fixture.store.write { change in
      let id = try change.put(Fixture.record("a"), embedding: Fixture.embedding(1), features: nil)
      try change.setTexts([("old", Fixture.embedding(1))], of: id)
      try change.setTexts(
        [("a dog 🐕", Fixture.embedding(2)), ("", Fixture.embedding(3))], of: id)
      try change.setTexts([("free", Fixture.embedding(4))], of: nil)
      #expect(throws: RetrievalError.self) {
        try change.setTexts([("x", Fixture.embedding(1))], of: 99)
      }
    }
    try fixture.store.read { snapshot in
      #expect(try snapshot.textCount() == 3)
      #expect(try snapshot.text(1) == nil)
      #expect(try snapshot.text(2) == TextRecord(text: "a dog 🐕", picture: 1))
      #expect(try snapshot.text(4) == TextRecord(text: "free", picture: nil))
      #expect(try snapshot.texts(of: 1).map(\.text) == ["a dog 🐕", ""])
      #expect(try snapshot.texts(of: nil).map(\.id) == [4])
      var all: [UInt64] = []
      try snapshot.forEachText { id, _ in all.append(id) }
      #expect(all == [2, 3, 4])
    }
    try fixture.store.write { try $0.setTexts([], of: nil) }
    #expect(try fixture.store.read { try $0.textCount() } == 2)
  }

  @Test func aSyntheticTextIsMarkedAndIsReplacedByThatOfAnotherCaptioner() throws {
    let fixture = try Fixture()
    func synthetic(_ text: String, by captioner: String, _ picture: UInt64) -> TextRecord {
      TextRecord(text: text, picture: picture, source: .synthetic(by: captioner))
    }
    let ids = try fixture.store.write { change in
      let ids = try ["a.jpg", "b.jpg"].enumerated().map { seed, name in
        try change.put(
          Fixture.record(name, seed: seed + 1), embedding: Fixture.embedding(seed), features: nil)
      }
      try change.setTexts([("of a person", Fixture.embedding(5))], of: ids[0])
      try change.setSyntheticText(
        synthetic("first", by: "x 1", ids[0]), embedding: Fixture.embedding(6))
      try change.setSyntheticText(
        synthetic("of another", by: "x 1", ids[1]), embedding: Fixture.embedding(7))
      try change.setSyntheticText(
        synthetic("second", by: "y", ids[0]), embedding: Fixture.embedding(8))
      return ids
    }
    func texts(_ picture: UInt64) throws -> [TextRecord?] {
      try fixture.store.read { snapshot in
        try snapshot.texts(of: picture).map { try snapshot.text($0.id) }
      }
    }
    #expect(
      try texts(ids[0]) == [
        TextRecord(text: "of a person", picture: ids[0], source: .captions),
        synthetic("second", by: "y", ids[0]),
      ])
    #expect(try texts(ids[1]) == [synthetic("of another", by: "x 1", ids[1])])
    #expect(try fixture.store.read { try $0.syntheticTextCount() } == 2)
    #expect(
      try fixture.store.read {
        try $0.nearestTexts(to: Fixture.embedding(8), count: 1).first?.score ?? 0
      } > 0.999)

    // A picture of another content is another picture to a captioner; a person's text stands.
    try fixture.store.write { change in
      _ = try change.put(
        Fixture.record("a.jpg", seed: 9), embedding: Fixture.embedding(1), features: nil)
      var touched = Fixture.record("b.jpg", seed: 2)
      touched.modified = 77
      _ = try change.put(touched, embedding: Fixture.embedding(1), features: nil)
    }
    #expect(try texts(ids[0]).map { $0?.text } == ["of a person"])
    #expect(try texts(ids[1]).map { $0?.text } == ["of another"])
  }

  /// An index made before there were synthetic texts has records of the same shape.
  @Test func recordsWithoutAMarkAreOfPeople() throws {
    let old: [UInt8] = [7, 0, 0, 0, 0, 0, 0, 0, 1] + Array("a text".utf8)
    try old.withUnsafeBytes { bytes in
      let record = try TextCodec.decode(RawSpan(_unsafeBytes: bytes))
      #expect(record == TextRecord(text: "a text", picture: 7, source: .sidecar))
      let isSynthetic = TextCodec.isSynthetic(RawSpan(_unsafeBytes: bytes))
      #expect(!isSynthetic)
    }
    #expect(TextCodec.encode(TextRecord(text: "a text", picture: 7, source: .sidecar)) == old)
  }

  /// Lengths that a record of a captioner claims and does not have, and text that is none.
  @Test func damagedMarksAreRefused() throws {
    let whole = TextCodec.encode(
      TextRecord(text: "text", picture: 1, source: .synthetic(by: "model")))
    var spoilt = whole
    spoilt[13] = 0xFF
    var source = whole
    source[8] = 3
    for bytes in (0..<13 + 5).map({ Array(whole.prefix($0)) }) + [spoilt, source] {
      bytes.withUnsafeBytes { bytes in
        let span = RawSpan(_unsafeBytes: bytes)
        #expect(throws: MalformedBytes.self) { try TextCodec.decode(span) }
      }
    }
  }

  @Test func aFailureStaysUntilItsPathSucceedsOrItIsRemoved() throws {
    let fixture = try Fixture()
    let failures = ["a", "b", "c"].map {
      FailureRecord(
        path: Array($0.utf8) + [0xFF], reason: "no picture: \($0)", size: 7, modified: -8, when: 9)
    }
    try fixture.store.write { change in
      for failure in failures { try change.putFailure(failure) }
      var again = failures[0]
      again.reason = "still none"
      try change.putFailure(again)
      try change.removeFailure(path: failures[1].path)
      try change.removeFailure(path: failures[1].path)
      var record = Fixture.record("c")
      record.path = failures[2].path
      try change.put(record, embedding: Fixture.embedding(1), features: nil)
    }
    try fixture.store.read { snapshot in
      var found: [FailureRecord] = []
      try snapshot.forEachFailure { found.append($0) }
      #expect(found.map(\.reason) == ["still none"])
      #expect(found.first?.path == failures[0].path)
      #expect(try snapshot.failureCount() == 1)
    }
  }
}
