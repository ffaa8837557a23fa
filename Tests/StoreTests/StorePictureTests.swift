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
      #expect(try change.pictures(contentHash: old.contentHash) == [])
      #expect(try change.pictures(contentHash: new.contentHash) == [id])
    }
    try fixture.store.read { snapshot in
      let id = try #require(try snapshot.pictureID(path: Array("a.jpg".utf8)))
      #expect(try snapshot.embedding(picture: id) == Fixture.embedding(2))
      #expect(try snapshot.features(picture: id) == nil)
    }
    #expect(
      try fixture.counts() == [
        "pictures": 1, "paths": 1, "hashes": 1, "embeddings": 1, "features": 0, "texts": 1,
        "text_embeddings": 1, "picture_texts": 1, "failures": 0, "lists": 2, "centroids": 2,
        "places": 2, "details": 0, "signatures": 0, "terms": 1, "hubness": 0,
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
