import LMDB
import StoreTestSupport
import Tensors
import Testing
import VectorIndex

@testable import Store

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
