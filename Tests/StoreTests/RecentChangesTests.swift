import LMDB
import StoreTestSupport
import TestSupport
import Testing

@testable import Store

/// What an index says of its last transactions, for a repair.
@Suite("The record of recent changes") struct RecentChangesTests {
  private func recent(_ store: IndexStore) throws -> RecentChanges {
    try store.read { snapshot in
      try #require(
        try snapshot.tables.recentChanges?.get(RecentChanges.key, in: snapshot.transaction))
    }
  }

  @Test("names what was removed or replaced, and how many records there are")
  func changes() throws {
    let fixture = try CheckFixture(pictures: 5)
    let store = try IndexStore.openAnyForWriting(fixture.path)
    let before = try recent(store)
    #expect(before.pictures == 5)
    try store.write { try $0.removePicture(2) }
    try store.write { change in
      let record = StoreFixture.record(CheckFixture.name(3), seed: 90)
      _ = try change.put(record, embedding: StoreFixture.embedding(90), features: nil)
    }
    let after = try recent(store)
    #expect(after.pictures == 4 && after.revision == before.revision + 2)
    #expect(after.changed(.pictures, after: before.revision) == [2, 3])
    #expect(after.changed(.pictures, after: before.revision + 1) == [3])
    #expect(try RecentChanges.decode(RecentChanges.encode(after).span.bytes) == after)
    // Nothing was changed, nothing is written.
    try store.write { _ in }
    #expect(try recent(store) == after)
  }

  @Test("keeps all changes of the last transaction, and few of earlier ones")
  func bounded() {
    var recent = RecentChanges()
    let many = (1...1000).map { (space: VectorSpace.texts, id: UInt64($0)) }
    recent.add(many, pictures: 0, texts: 1000, transaction: 1)
    #expect(recent.changed(.texts, after: 0).count == 1000)
    recent.add([(.pictures, 7)], pictures: 1, texts: 0, transaction: 2)
    #expect(recent.changed(.pictures, after: 1) == [7])
    #expect((1..<200).contains(recent.changed(.texts, after: 0).count))
  }
}
