import BLIP
import Digests
import Files
import Images
import Store
import Testing
import TestSupport

@testable import Retrieval

@Suite("Indexing a collection", .ownsProcess)
struct IndexerTests {
  @Test("Encodes every picture; a second run has nothing to do") func twice() async throws {
    let fixture = try IndexFixture(pictures: 5)
    fixture.add("deep/er/x.PNG", seed: 9)
    let (first, events) = try await fixture.run()
    #expect(first == summary(found: 6, added: 6))
    #expect(events.first == .scanned(found: 6, toEncode: 6))
    #expect(events.last == .encoded(6))
    let contents = try fixture.contents()
    #expect(contents.count == 6)
    let picture = try ImageDecoder().picture(
      at: Array("\(fixture.collection.path)/deep/er/x.PNG".utf8), forSide: nil)
    let embedding = try fixture.model.encode(picture).embedding
    #expect(isClose(try #require(contents["deep/er/x.PNG"]).embedding, embedding))

    let (second, nothing) = try await fixture.run()
    #expect(second == summary(found: 6, unchanged: 6))
    #expect(nothing == [.scanned(found: 6, toEncode: 0)])
    #expect(try fixture.contents() == contents)
  }

  @Test("Encodes a changed picture again, but not one that was only touched") func changed()
    async throws
  {
    let fixture = try IndexFixture(pictures: 3)
    try await fixture.run()
    let before = try fixture.contents()
    fixture.add("0.png", seed: 100)
    fixture.collection.setTime("0.png", 1_000_000_000)
    fixture.collection.setTime("1.png", 1_000_000_001)
    #expect(try await fixture.run().summary == summary(found: 3, changed: 1, unchanged: 2))
    let after = try fixture.contents()
    #expect(after["0.png"]?.hash != before["0.png"]?.hash)
    #expect(after["0.png"]?.embedding != before["0.png"]?.embedding)
    #expect(after["1.png"] == before["1.png"] && after["2.png"] == before["2.png"])
    // The new times are noted: nothing is read again.
    let (_, events) = try await fixture.run()
    #expect(events == [.scanned(found: 3, toEncode: 0)])
  }

  @Test("Follows pictures that are moved, added and deleted") func moved() async throws {
    let fixture = try IndexFixture(pictures: 4)
    let captions = fixture.collection.write("captions.csv", "image,caption\n0.png,a red bird\n")
    try await fixture.run(captions: captions)
    let before = try fixture.contents()
    fixture.collection.move("0.png", to: "album/first.png")
    fixture.collection.remove("1.png")
    fixture.add("new.png", seed: 50)
    #expect(
      try await fixture.run().summary
        == summary(found: 4, added: 1, moved: 1, unchanged: 2, vanished: 1, captionsFiles: 1))
    let after = try fixture.contents()
    #expect(after.keys.sorted() == ["2.png", "3.png", "album/first.png", "new.png"])
    // With its captions, which nobody gave for the new path.
    #expect(after["album/first.png"] == before["0.png"])
    #expect(after["album/first.png"]?.texts == ["a red bird"])
  }

  @Test("Of two copies of a moved picture, one counts as moved and one as added") func copied()
    async throws
  {
    let fixture = try IndexFixture(pictures: 2)
    try await fixture.run()
    fixture.collection.move("0.png", to: "a.png")
    fixture.add("b.png", seed: 0)
    #expect(try await fixture.run().summary == summary(found: 3, added: 1, moved: 1, unchanged: 1))
    let contents = try fixture.contents()
    #expect(contents.keys.sorted() == ["1.png", "a.png", "b.png"])
    #expect(contents["a.png"] == contents["b.png"])
  }

  @Test("Pictures that swap their names swap what the index holds of them") func swapped()
    async throws
  {
    let fixture = try IndexFixture(pictures: 2)
    try await fixture.run()
    let before = try fixture.contents()
    fixture.collection.move("0.png", to: "x")
    fixture.collection.move("1.png", to: "0.png")
    fixture.collection.move("x", to: "1.png")
    for name in ["0.png", "1.png"] { fixture.collection.setTime(name, 1_000_000_000) }
    #expect(try await fixture.run().summary == summary(found: 2, changed: 2))
    let after = try fixture.contents()
    #expect(after["0.png"] == before["1.png"] && after["1.png"] == before["0.png"])
  }

  @Test("Content that the index knows is copied, not encoded again") func reused()
    async throws
  {
    let fixture = try IndexFixture(pictures: 1)
    try await fixture.run(features: .int8)
    // Not a picture: if it were decoded it would fail.
    let content = Array("not a picture at all".utf8)
    fixture.collection.write("known.png", content)
    let embedding = try #require(fixture.contents()["0.png"]).embedding
    do {
      let store = try IndexStore.open(fixture.index)
      let (metadata, features) = try store.read { snapshot in
        let id = try #require(try snapshot.pictureID(path: Array("0.png".utf8)))
        return (snapshot.metadata, try snapshot.features(picture: id))
      }
      _ = consume store
      let writer = try IndexStore.openForWriting(fixture.index, metadata: metadata)
      _ = try writer.write { change in
        try change.put(
          PictureRecord(
            path: Array("elsewhere.png".utf8), size: 1, modified: 1,
            contentHash: SHA256.digest(of: content), width: 7, height: 8, orientation: 1),
          embedding: embedding, features: features)
      }
    }
    #expect(
      try await fixture.run().summary == summary(found: 2, moved: 1, unchanged: 1))
    let contents = try fixture.contents()
    #expect(contents["known.png"]?.embedding == embedding)
    let (record, features) = try IndexStore.open(fixture.index).read { snapshot in
      let id = try #require(try snapshot.pictureID(path: Array("known.png".utf8)))
      return (try snapshot.picture(id), try snapshot.features(picture: id))
    }
    #expect(record?.width == 7 && record?.size == UInt64(content.count))
    #expect(features != nil)
  }

  @Test("Names that are not UTF-8 are indexed and found again") func foreignName() async throws {
    let fixture = try IndexFixture()
    let name = Array("caf".utf8) + [0xE9] + Array(".png".utf8)
    fixture.collection.write(name, TestPNG.picture(seed: 1))
    #expect(try await fixture.run().summary == summary(found: 1, added: 1))
    #expect(try await fixture.run().summary == summary(found: 1, unchanged: 1))
    let location = joined(fixture.collection.root, name)
    let hit = try Searcher(index: fixture.index, modelPath: nil).search(
      text: "bands", count: 1, rerankDepth: 1, minimumMatch: nil)[0]
    #expect(hit.locationBytes == location)
    #expect(hit.path == "caf\u{FFFD}.png")
    #expect(hit.matchLogit != nil)
  }
}
