import BLIP
import Files
import FoundationEssentials
import Store
import Testing
import TestSupport

@testable import Retrieval

@Suite("Indexing captions", .ownsProcess)
struct IndexerTextTests {
  @Test("Texts follow their files; only changed ones are embedded") func texts() async throws {
    let fixture = try IndexFixture(pictures: 4)
    fixture.collection.write("0.txt", "A bird.\nmore about it")
    fixture.collection.write("1.txt", "A cat.")
    #expect(try await fixture.run().summary == summary(found: 4, added: 4, texts: 2))
    #expect(try fixture.contents()["0.png"]?.texts == ["A bird."])
    #expect(try await fixture.run().summary == summary(found: 4, unchanged: 4))

    fixture.collection.write("1.txt", "A kitten.")
    fixture.collection.remove("0.txt")
    let (result, events) = try await fixture.run()
    #expect(result == summary(found: 4, unchanged: 4, texts: 1))
    #expect(events.last == .texts(1, of: 1))
    #expect(try fixture.contents()["0.png"]?.texts == [])
    #expect(try fixture.contents()["1.png"]?.texts == ["A kitten."])

    let captions = fixture.collection.write(
      "captions.jsonl",
      """
      {"image": "0.png", "caption": ["one", "two", "three"]}
      {"image": "gone.png", "caption": "nowhere to be seen"}
      """)
    let (captioned, warnings) = try await fixture.run(captions: captions)
    #expect(captioned == summary(found: 4, unchanged: 4, texts: 3, captionsFiles: 1))
    #expect(
      warnings.contains {
        if case .warning(let text) = $0 { text.contains("gone.png") } else { false }
      })
    #expect(try fixture.contents()["0.png"]?.texts == ["one", "two", "three"])
    #expect(try fixture.contents()["1.png"]?.texts == ["A kitten."])
    // Without the file its captions stand.
    #expect(try await fixture.run().summary == summary(found: 4, unchanged: 4, captionsFiles: 1))
    #expect(try fixture.contents()["0.png"]?.texts == ["one", "two", "three"])

    fixture.collection.remove("0.png")
    try await fixture.run()
    #expect(try IndexStore.open(fixture.index).read { try $0.textCount() } == 1)
  }

  @Test("The stored embedding of a text is the model's") func textEmbeddings() async throws {
    let fixture = try IndexFixture(pictures: 3)
    let captions = fixture.collection.write(
      "captions.csv", "image,caption\n0.png,a red bird\n0.png,two\n1.png,a red bird\n2.png,\"x, y\""
    )
    try await fixture.run(captions: captions)
    try IndexStore.open(fixture.index).read { snapshot in
      var count = 0
      try snapshot.forEachText { id, record in
        let wanted = try fixture.model.embed(texts: [fixture.model.tokens(of: record.text)])[0]
        let stored = try #require(try snapshot.embedding(text: id))
        #expect(isClose(wanted, stored), "\(record.text)")
        count += 1
      }
      #expect(count == 4)
    }
  }

  @Test("A malformed captions file ends the run before anything is written") func badCaptions()
    async throws
  {
    let fixture = try IndexFixture(pictures: 1)
    let captions = fixture.collection.write("captions.json", "[{\"image\": \"0.png\"}]")
    let error = await #expect(throws: RetrievalError.self) {
      try await fixture.run(captions: captions)
    }
    #expect(error?.description.contains("captions.json, record 1 (line 1)") == true)
    #expect(!FileManager.default.fileExists(atPath: fixture.index))
  }
}
