import Digests
import Images
import LMDB
import StoreTestSupport
import Tensors
import TestSupport
import Testing
import VectorIndex

@testable import Store

/// The folder of an index that nobody has open, to be damaged and looked at.
struct CheckFixture {
  typealias RawTable = Table<RawBytes, RawBytes>

  let path: String
  /// What the index held when it was made.
  let contents: Contents

  /// All that a repair must not lose.
  struct Contents: Equatable {
    struct Picture: Equatable {
      var record: PictureRecord
      var embedding: [Float]?
      var features: [Float]?
      var texts: [String]
    }
    var pictures: [UInt64: Picture] = [:]
    var texts: [UInt64: [Float]?] = [:]
  }

  /// So many pictures with a text each, a text of no picture, and a file that could not be indexed.
  init(pictures count: Int = 3, inLists: Bool = false) throws {
    let fixture = try StoreFixture()
    path = fixture.path
    try fixture.store.write { change in
      for seed in 1...count {
        let id = try change.put(
          StoreFixture.record(Self.name(seed), seed: 1 + seed % 200),
          embedding: StoreFixture.embedding(seed), features: StoreFixture.features(seed),
          details: PictureDetails(title: "title \(seed)"),
          signature: StoreFixture.signature(seed))
        try change.setTexts([("text \(seed)", StoreFixture.embedding(1000 + seed))], of: id)
      }
      try change.setTexts([("alone", StoreFixture.embedding(2000))], of: nil)
      try change.putFailure(
        FailureRecord(path: [1, 2], reason: "no picture", size: 1, modified: 1, when: 1))
    }
    if inLists { _ = try fixture.store.updateVectorIndex(VectorIndexOptions(listsFrom: 50)) }
    contents = try Self.contents(of: fixture.store)
  }

  static func name(_ seed: Int) -> String { "\(seed).jpg" }
  static func pathKey(_ seed: Int) -> [UInt8] { SHA256.digest(of: Array(name(seed).utf8)) }

  func check() throws -> IndexCheck { try IndexStore.check(path) }

  func repair() throws -> IndexRepair { try IndexStore.repair(path) }

  func contentsNow() throws -> Contents { try Self.contents(of: IndexStore.open(path)) }

  func nearest() throws -> [[Neighbor]] {
    try IndexStore.open(path).read { snapshot in
      let query = StoreFixture.embedding(77)
      return [
        try snapshot.nearestPictures(to: query, count: 9, isExact: true),
        try snapshot.nearestTexts(to: query, count: 9, isExact: true),
      ]
    }
  }

  static func contents(of store: IndexStore) throws -> Contents {
    try store.read { snapshot in
      var contents = Contents()
      try snapshot.forEachPicture { id, record in
        #expect(try snapshot.pictureID(path: record.path) == id)
        #expect(try snapshot.pictures(contentHash: record.contentHash).contains(id))
        contents.pictures[id] = Contents.Picture(
          record: record, embedding: try snapshot.embedding(picture: id),
          features: try snapshot.features(picture: id)?.values,
          texts: try snapshot.texts(of: id).map(\.text))
      }
      try snapshot.forEachText { id, _ in
        contents.texts.updateValue(try snapshot.embedding(text: id), forKey: id)
      }
      return contents
    }
  }
}
