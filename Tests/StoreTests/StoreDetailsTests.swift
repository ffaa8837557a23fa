import Images
import LMDB
import StoreTestSupport
import Testing

@testable import Store

@Suite("What picture files say of themselves, in a store")
struct StoreDetailsTests {
  private typealias Fixture = StoreFixture

  private static let details = PictureDetails(
    title: "Harbour", keywords: ["boat"], taken: 1_600_000_000,
    coordinates: .init(latitude: -6.1, longitude: 39.2))

  private func put(
    _ path: String, seed: Int = 1, details: PictureDetails? = nil, in fixture: StoreFixture
  ) throws -> UInt64 {
    try fixture.store.write {
      try $0.put(
        Fixture.record(path, seed: seed), embedding: Fixture.embedding(1), features: nil,
        details: details)
    }
  }

  private func details(_ id: UInt64, in fixture: StoreFixture) throws -> PictureDetails? {
    try fixture.store.read { try $0.details(picture: id) }
  }

  @Test("belong to their picture: put, moved and removed with it")
  func life() throws {
    let fixture = try Fixture()
    let id = try put("a.jpg", details: Self.details, in: fixture)
    #expect(try details(id, in: fixture) == Self.details)
    let moved = try fixture.store.write {
      try $0.movePicture(from: Array("a.jpg".utf8), to: Fixture.record("b/c.jpg"))
    }
    #expect(try moved && details(id, in: fixture) == Self.details)
    try fixture.store.write { try $0.removePicture(id) }
    #expect(try fixture.counts()["details"] == 0)
  }

  @Test("of other content are gone; of the same content they stay")
  func content() throws {
    let fixture = try Fixture()
    let id = try put("a.jpg", details: Self.details, in: fixture)
    _ = try put("a.jpg", in: fixture)
    #expect(try details(id, in: fixture) == Self.details)
    _ = try put("a.jpg", seed: 2, in: fixture)
    #expect(try details(id, in: fixture) == nil)
    #expect(try fixture.store.read { try !$0.hasDetails(picture: id) })
  }

  @Test("may come later, and may be none")
  func later() throws {
    let fixture = try Fixture()
    let id = try put("a.jpg", in: fixture)
    try fixture.store.write { change in
      try change.setDetails(PictureDetails(), of: id)
      #expect(throws: RetrievalError.self) { try change.setDetails(Self.details, of: 9) }
    }
    #expect(try details(id, in: fixture)?.isEmpty == true)
    #expect(try fixture.store.read { try $0.hasDetails(picture: id) })
    #expect(try fixture.store.read { try $0.detailsCount() } == 1)
  }
}
