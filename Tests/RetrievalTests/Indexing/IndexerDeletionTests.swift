import Files
import FoundationEssentials
import Store
import Testing
import TestSupport

@testable import Retrieval

@Suite("Indexing a collection that lost pictures", .ownsProcess)
struct IndexerDeletionTests {
  @Test("When most of the collection is missing, nothing is removed unless that is confirmed")
  func massDeletion() async throws {
    let fixture = try IndexFixture(pictures: 2)
    try await fixture.run()
    try fixture.addGhosts(101)
    #expect(try await fixture.run().summary == summary(found: 2, unchanged: 2, withheld: 101))
    #expect(try fixture.contents().count == 103)
    // What is left out on demand is no mistake.
    #expect(
      try await fixture.run(exclude: ["ghost*"]).summary
        == summary(found: 2, unchanged: 2, vanished: 101))
    // A hundred are deleted every day.
    try fixture.addGhosts(100)
    #expect(try await fixture.run().summary == summary(found: 2, unchanged: 2, vanished: 100))
    try fixture.addGhosts(150)
    #expect(
      try await fixture.run(allowsVanished: true).summary
        == summary(found: 2, unchanged: 2, vanished: 150))
    #expect(try fixture.contents().count == 2)
  }

  @Test("An empty collection empties its index only when that is confirmed") func emptied()
    async throws
  {
    let fixture = try IndexFixture(pictures: 2)
    await #expect(throws: RetrievalError.self) {
      try await IndexFixture().run(allowsVanished: true)
    }
    try await fixture.run()
    for name in ["0.png", "1.png"] { fixture.collection.remove(name) }
    await #expect(throws: RetrievalError.self) { try await fixture.run() }
    #expect(try await fixture.run(allowsVanished: true).summary == summary(found: 0, vanished: 2))
    #expect(try fixture.contents().isEmpty)
  }

  @Test("A collection that is removed meanwhile is an error, and its pictures have not failed")
  func removedCollection() async throws {
    let fixture = try IndexFixture(pictures: 3)
    let path = fixture.collection.path
    let error = await #expect(throws: RetrievalError.self) {
      try await fixture.run { event in
        if case .scanned = event { try? FileManager.default.removeItem(atPath: path) }
      }
    }
    #expect(error?.description.contains(path) == true)
    #expect(error?.description.contains("removed or renamed") == true)
    #expect(try fixture.failures().isEmpty)
  }

  @Test("An index directory that is removed meanwhile is an error") func removedIndex() async throws
  {
    let fixture = try IndexFixture(pictures: 3)
    let error = await #expect(throws: RetrievalError.self) {
      try await fixture.run { event in
        if case .scanned = event { try? FileManager.default.removeItem(atPath: fixture.index) }
      }
    }
    #expect(
      error?.description.contains("\(fixture.index): the index directory was removed") == true)
  }

  @Test("An empty or missing collection is an error that leaves the index alone") func empty()
    async throws
  {
    let fixture = try IndexFixture(pictures: 2)
    try await fixture.run()
    let before = try fixture.contents()
    for name in ["0.png", "1.png"] { fixture.collection.remove(name) }
    fixture.collection.write("notes.md", "no picture")
    var error = await #expect(throws: RetrievalError.self) { try await fixture.run() }
    #expect(error?.description.contains("no pictures") == true)
    #expect(try fixture.contents() == before)
    try FileManager.default.removeItem(atPath: fixture.collection.path)
    error = await #expect(throws: RetrievalError.self) { try await fixture.run() }
    #expect(error?.description.contains(fixture.collection.path) == true)
    #expect(try fixture.contents() == before)
  }

  @Test("Another collection does not empty the index; its own, under a new path, is followed")
  func otherCollection() async throws {
    let fixture = try IndexFixture(pictures: 4)
    try await fixture.run()
    let before = try fixture.contents()
    let other = Collection()
    other.write("0.png", TestPNG.picture(seed: 77))
    other.write("unrelated.png", TestPNG.picture(seed: 78))
    func index(_ collection: String) async throws -> IndexingSummary {
      try await Indexer(model: fixture.model).run(
        IndexingRequest(
          collection: collection, index: fixture.index),
        shouldStop: { false }, report: { _ in })
    }
    let error = await #expect(throws: RetrievalError.self) { try await index(other.path) }
    #expect(error?.description.contains(fixture.index) == true)
    #expect(try fixture.contents() == before)

    let place = "\(other.path)-moved"
    try FileManager.default.moveItem(atPath: fixture.collection.path, toPath: place)
    let moved = try await index(place)
    #expect(moved.unchanged == 4 && moved.added == 0)
    #expect(try IndexStore.open(fixture.index).metadata.collection == place)
  }

  @Test("A picture that cannot be looked at does not count as vanished") func hidden() async throws
  {
    let fixture = try IndexFixture(pictures: 2)
    try await fixture.run()
    let before = try fixture.contents()
    fixture.collection.remove("0.png")
    // A link to itself cannot be followed, whoever asks.
    fixture.collection.link("0.png", to: "0.png")
    let (result, events) = try await fixture.run()
    #expect(result == summary(found: 1, unchanged: 1, unreadable: 1))
    #expect(
      events.contains { if case .warning(let text) = $0 { text.contains("0.png") } else { false } })
    #expect(try fixture.contents() == before)
  }

  @Test("Excluded pictures are left out, and removed from an index that had them") func excluded()
    async throws
  {
    let fixture = try IndexFixture(pictures: 3)
    try await fixture.run()
    #expect(
      try await fixture.run(exclude: ["[12].png"]).summary
        == summary(found: 1, unchanged: 1, vanished: 2, excluded: 2))
    #expect(try fixture.contents().keys.sorted() == ["0.png"])
    await #expect(throws: RetrievalError.self) { try await fixture.run(exclude: ["[1"]) }
  }
}
