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
    let workshop = try Workshop(pictures: 2)
    try await workshop.run()
    try workshop.addGhosts(101)
    #expect(try await workshop.run().summary == summary(found: 2, unchanged: 2, withheld: 101))
    #expect(try workshop.contents().count == 103)
    // What is left out on demand is no mistake.
    #expect(
      try await workshop.run(exclude: ["ghost*"]).summary
        == summary(found: 2, unchanged: 2, vanished: 101))
    // A hundred are deleted every day.
    try workshop.addGhosts(100)
    #expect(try await workshop.run().summary == summary(found: 2, unchanged: 2, vanished: 100))
    try workshop.addGhosts(150)
    #expect(
      try await workshop.run(allowsVanished: true).summary
        == summary(found: 2, unchanged: 2, vanished: 150))
    #expect(try workshop.contents().count == 2)
  }

  @Test("An empty collection empties its index only when that is confirmed") func emptied()
    async throws
  {
    let workshop = try Workshop(pictures: 2)
    await #expect(throws: RetrievalError.self) {
      try await Workshop().run(allowsVanished: true)
    }
    try await workshop.run()
    for name in ["0.png", "1.png"] { workshop.collection.remove(name) }
    await #expect(throws: RetrievalError.self) { try await workshop.run() }
    #expect(try await workshop.run(allowsVanished: true).summary == summary(found: 0, vanished: 2))
    #expect(try workshop.contents().isEmpty)
  }

  @Test("An empty or missing collection is an error that leaves the index alone") func empty()
    async throws
  {
    let workshop = try Workshop(pictures: 2)
    try await workshop.run()
    let before = try workshop.contents()
    workshop.collection.move("0.png", to: "0.bin")
    workshop.collection.move("1.png", to: "1.bin")
    var error = await #expect(throws: RetrievalError.self) { try await workshop.run() }
    #expect(error?.description.contains("no pictures") == true)
    #expect(try workshop.contents() == before)
    try FileManager.default.removeItem(atPath: workshop.collection.path)
    error = await #expect(throws: RetrievalError.self) { try await workshop.run() }
    #expect(error?.description.contains(workshop.collection.path) == true)
    #expect(try workshop.contents() == before)
  }

  @Test("Another collection does not empty the index; its own, under a new path, is followed")
  func otherCollection() async throws {
    let workshop = try Workshop(pictures: 4)
    try await workshop.run()
    let before = try workshop.contents()
    let other = Collection()
    other.write("0.png", TestPNG.picture(seed: 77))
    other.write("unrelated.png", TestPNG.picture(seed: 78))
    func index(_ collection: String) async throws -> IndexingSummary {
      try await Indexer(model: workshop.model).run(
        IndexingRequest(
          collection: collection, index: workshop.index),
        shouldStop: { false }, report: { _ in })
    }
    let error = await #expect(throws: RetrievalError.self) { try await index(other.path) }
    #expect(error?.description.contains(workshop.index) == true)
    #expect(try workshop.contents() == before)

    let place = "\(other.path)-moved"
    try FileManager.default.moveItem(atPath: workshop.collection.path, toPath: place)
    let moved = try await index(place)
    #expect(moved.unchanged == 4 && moved.added == 0)
    #expect(try IndexStore.open(workshop.index).metadata.collection == place)
  }

  @Test("A picture that cannot be looked at does not count as vanished") func hidden() async throws
  {
    let workshop = try Workshop(pictures: 2)
    try await workshop.run()
    let before = try workshop.contents()
    workshop.collection.remove("0.png")
    // A link to itself cannot be followed, whoever asks.
    workshop.collection.link("0.png", to: "0.png")
    let (result, events) = try await workshop.run()
    #expect(result == summary(found: 1, unchanged: 1))
    #expect(
      events.contains { if case .warning(let text) = $0 { text.contains("0.png") } else { false } })
    #expect(try workshop.contents() == before)
  }

  @Test("Excluded pictures are left out, and removed from an index that had them") func excluded()
    async throws
  {
    let workshop = try Workshop(pictures: 3)
    try await workshop.run()
    #expect(
      try await workshop.run(exclude: ["[12].png"]).summary
        == summary(found: 1, unchanged: 1, vanished: 2))
    #expect(try workshop.contents().keys.sorted() == ["0.png"])
    await #expect(throws: RetrievalError.self) { try await workshop.run(exclude: ["[1"]) }
  }
}
