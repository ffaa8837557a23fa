import BLIP
import Images
import LMDB
import StoreTestSupport
import TestSupport
import Testing
import TextIndex

@testable import Store

@Suite("The words that a store knows of its pictures")
struct StoreTermsTests {
  private typealias Fixture = StoreFixture

  private func found(_ text: String, in store: IndexStore) throws -> [UInt64: [TextField]]? {
    let terms = Analyzer().terms(of: text, for: .query)
    return try store.read { snapshot in
      try snapshot.textMatches(terms, count: 99).map { matches in
        Dictionary(uniqueKeysWithValues: matches.best.map { ($0.id, $0.fields.fields) })
      }
    }
  }

  @discardableResult
  private func put(
    _ path: String, seed: Int = 1, details: PictureDetails? = nil,
    in change: borrowing IndexWriter
  ) throws -> UInt64 {
    try change.put(
      Fixture.record(path, seed: seed), embedding: Fixture.embedding(seed),
      features: Fixture.features(seed),
      details: details)
  }

  @Test("come from names, folders, captions and details, each by its field")
  func fields() throws {
    let fixture = try Fixture()
    try fixture.store.write { change in
      let id = try put(
        "Holidays 2019/beach-house.jpg",
        details: PictureDetails(
          title: "Dusk", description: "waves", keywords: ["Zanzíbar"], camera: "Nikon D70",
          places: ["Lisboa"]), in: change)
      try change.setTexts([("two dogs run", Fixture.embedding(1))], of: id)
      try change.addText(
        TextRecord(text: "a bird", picture: id, source: .synthetic(by: "m")),
        embedding: Fixture.embedding(2))
      try change.setTexts([("nobody's text", Fixture.embedding(3))], of: nil)
    }
    for (text, field) in [
      ("holiday", TextField.folder), ("2019", .folder), ("HOUSE", .name), ("dusk", .title),
      ("wave", .description), ("zanzibar", .keyword), ("nikon", .camera), ("lisboa", .place),
      ("dog", .caption), ("birds", .syntheticCaption),
    ] {
      #expect(try found(text, in: fixture.store) == [1: [field]], "\(text)")
    }
    for text in ["jpg", "nobody", "cat", ""] { #expect(try found(text, in: fixture.store) == [:]) }
  }

  @Test("follow every change in its own transaction, and leave nothing behind")
  func changes() throws {
    let fixture = try Fixture()
    let store = fixture.store
    try store.write { change in
      try put("a/one.jpg", seed: 1, in: change)
      try put("a/two.jpg", seed: 2, in: change)
      try change.setTexts([("a red kite", Fixture.embedding(1))], of: 1)
    }
    try store.write { change in
      try change.setTexts([("a blue kite", Fixture.embedding(1))], of: 1)
      try change.setTexts([("a green boat", Fixture.embedding(1))], of: 1)
      #expect(
        try change.movePicture(
          from: Array("a/two.jpg".utf8), to: Fixture.record("b/three.jpg", seed: 2)))
      try change.setDetails(PictureDetails(title: "Harbour"), of: 2)
    }
    #expect(try found("kite red blue a one", in: store) == [1: [.name]])
    #expect(try found("boat", in: store) == [1: [.caption]])
    #expect(try found("two", in: store) == [:] && found("three", in: store) == [2: [.name]])
    #expect(try found("harbour", in: store) == [2: [.title]])
    // Another content has other details.
    _ = try store.write { try put("b/three.jpg", seed: 7, in: $0) }
    #expect(try found("harbour", in: store) == [:])
    #expect(try store.read { try $0.check() }.isSound)
    struct Stop: Error {}
    try? store.write { change in
      try change.removePicture(1)
      throw Stop()
    }
    #expect(try found("boat", in: store) == [1: [.caption]])
    try store.write { for id: UInt64 in [1, 2] { try $0.removePicture(id) } }
    #expect(try fixture.counts()["terms"] == 0)
    #expect(try store.read { try $0.check() }.isSound)
  }

  @Test("are the same after random changes as when made anew", arguments: 0..<4)
  func anew(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let fixture = try CheckFixture(pictures: 30)
    do {
      let store = try IndexStore.openAnyForWriting(fixture.path)
      for _ in 0..<6 {
        try store.write { change in
          for _ in 0..<12 {
            let number = Int.random(in: 1...50, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: try put("f\(number % 3)/\(number).jpg", seed: number, in: change)
            case 1:
              if try change.picture(UInt64(number)) != nil {
                try change.removePicture(UInt64(number))
              }
            case 2:
              if try change.picture(UInt64(number)) != nil {
                try change.setTexts(
                  [("word\(number % 5) again", Fixture.embedding(1))], of: UInt64(number))
              }
            default:
              if try change.picture(UInt64(number)) != nil {
                try change.setSyntheticText(
                  TextRecord(
                    text: "word\(number % 7)", picture: UInt64(number),
                    source: .synthetic(by: "m")),
                  embedding: Fixture.embedding(2))
              }
            }
          }
        }
      }
    }
    let check = try fixture.check()
    #expect(check.isSound, "\(check.faults)")
  }

  @Test("are not there in an older index, which answers without; the next run makes them")
  func older() throws {
    let fixture = try CheckFixture()
    try rewrite(fixture.path) { transaction in
      try CheckFixture.RawTable(opening: "terms", in: transaction).removeAll(in: transaction)
    }
    let store = try IndexStore.openAnyForWriting(fixture.path)
    #expect(try found("title", in: store) == nil)
    _ = try store.write { try put("new.jpg", seed: 99, in: $0) }
    #expect(try store.read { try $0.check() }.isSound)
    try store.updateTextIndex()
    #expect(try found("title", in: store)?.count == 3)
    #expect(try found("new", in: store) == [4: [.name]])
    #expect(try store.read { try $0.check() }.isSound)
  }

  @Test("made by another analysis are made anew by the next run")
  func otherAnalysis() throws {
    let fixture = try CheckFixture()
    try rewrite(fixture.path) { transaction in
      try CheckFixture.RawTable(opening: "terms", in: transaction)
        .delete(TermTable.key(of: "titl", 0), in: transaction)
    }
    let store = try IndexStore.openAnyForWriting(fixture.path)
    try store.write { change in
      try change.tables.meta.put("terms_version", "0", in: change.transaction)
    }
    #expect(try found("title", in: store) == [:])
    try store.updateTextIndex()
    #expect(try found("title", in: store)?.count == 3)
  }

  @Test("a key is read as it was written, and nothing else is one")
  func keys() {
    for number: UInt64 in [0, 1, 255, 256, 1 << 40, .max] {
      let key = TermTable.key(of: "wörd", number)
      #expect(TermTable.parse(key)?.term == "wörd" && TermTable.parse(key)?.number == number)
    }
    let keys: [[UInt8]] = [
      [], [0], [97], [97, 0], [97, 0, 1], [97, 0, 1, 0], [97, 0, 2, 1], [0, 1, 1], [0xFF, 0, 0],
      [97, 0, 9] + Array(repeating: 1, count: 9),
    ]
    for key in keys { #expect(TermTable.parse(key) == nil, "\(key)") }
    // Blocks of a term lie together, by number.
    let ordered = [0, 1, 255, 256, 70_000].map { TermTable.key(of: "a", $0) }
    for (left, right) in zip(ordered, ordered.dropFirst()) {
      #expect(left.lexicographicallyPrecedes(right))
    }
    #expect(ordered.last!.lexicographicallyPrecedes(TermTable.key(of: "ab", 0)))
  }
}
