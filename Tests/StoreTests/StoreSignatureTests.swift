import Images
import LMDB
import StoreTestSupport
import Testing

@testable import Store

@Suite("The signatures of pictures, in a store")
struct StoreSignatureTests {
  private typealias Fixture = StoreFixture

  private func put(
    _ path: String, seed: Int = 1, signature: PictureSignature? = nil, in fixture: StoreFixture
  ) throws -> UInt64 {
    try fixture.store.write {
      try $0.put(
        Fixture.record(path, seed: seed), embedding: Fixture.embedding(1), features: nil,
        signature: signature)
    }
  }

  private func signature(_ id: UInt64, in fixture: StoreFixture) throws -> PictureSignature? {
    try fixture.store.read { try $0.signature(picture: id) }
  }

  @Test("belong to their picture: put, moved and removed with it")
  func life() throws {
    let fixture = try Fixture()
    let id = try put("a.jpg", signature: Fixture.signature(3), in: fixture)
    #expect(try signature(id, in: fixture) == Fixture.signature(3))
    let moved = try fixture.store.write {
      try $0.movePicture(from: Array("a.jpg".utf8), to: Fixture.record("b/c.jpg"))
    }
    #expect(try moved && signature(id, in: fixture) == Fixture.signature(3))
    try fixture.store.write { try $0.removePicture(id) }
    #expect(try fixture.counts()["signatures"] == 0)
  }

  @Test("of other content are gone; of the same content they stay")
  func content() throws {
    let fixture = try Fixture()
    let id = try put("a.jpg", signature: Fixture.signature(3), in: fixture)
    _ = try put("a.jpg", in: fixture)
    #expect(try signature(id, in: fixture) == Fixture.signature(3))
    _ = try put("a.jpg", seed: 2, in: fixture)
    #expect(try signature(id, in: fixture) == nil)
    #expect(try !fixture.store.read { try $0.hasSignature(picture: id) })
  }

  @Test("may come later")
  func later() throws {
    let fixture = try Fixture()
    let id = try put("a.jpg", in: fixture)
    try fixture.store.write { change in
      try change.setSignature(Fixture.signature(4), of: id)
      #expect(throws: RetrievalError.self) {
        try change.setSignature(Fixture.signature(4), of: 9)
      }
    }
    #expect(try signature(id, in: fixture) == Fixture.signature(4))
    #expect(try fixture.store.read { try $0.signatureCount() } == 1)
  }
}
