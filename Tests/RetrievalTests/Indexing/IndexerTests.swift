import BLIP
import Checkpoints
import Digests
import Files
import FoundationEssentials
import Images
import Store
import Synchronization
import Tensors
import TestSupport
import Testing

@testable import Retrieval

@Suite("Indexing a collection", .ownsProcess)
struct IndexerTests {
  @Test("encodes every picture; a second run finds nothing to do") func twice() async throws {
    let workshop = try Workshop(pictures: 5)
    workshop.add("deep/er/x.PNG", seed: 9)
    let (first, events) = try await workshop.run()
    #expect(first == summary(found: 6, added: 6))
    #expect(events.first == .scanned(found: 6, toEncode: 6))
    #expect(events.last == .encoded(6))
    let contents = try workshop.contents()
    #expect(contents.count == 6)
    let picture = try readPicture(
      at: "\(workshop.collection.path)/deep/er/x.PNG", decoder: ImageDecoder(), side: nil)
    let embedding = try workshop.model.encode(picture).embedding
    #expect(isClose(try #require(contents["deep/er/x.PNG"]).embedding, embedding))

    let (second, nothing) = try await workshop.run()
    #expect(second == summary(found: 6, unchanged: 6))
    #expect(nothing == [.scanned(found: 6, toEncode: 0)])
    #expect(try workshop.contents() == contents)
  }

  @Test("encodes a changed picture again, and one that was only touched not") func changed()
    async throws
  {
    let workshop = try Workshop(pictures: 3)
    try await workshop.run()
    let before = try workshop.contents()
    workshop.add("0.png", seed: 100)
    workshop.collection.setTime("0.png", 1_000_000_000)
    workshop.collection.setTime("1.png", 1_000_000_001)
    #expect(try await workshop.run().summary == summary(found: 3, changed: 1, unchanged: 2))
    let after = try workshop.contents()
    #expect(after["0.png"]?.hash != before["0.png"]?.hash)
    #expect(after["0.png"]?.embedding != before["0.png"]?.embedding)
    #expect(after["1.png"] == before["1.png"] && after["2.png"] == before["2.png"])
    // The new times are noted: nothing is read again.
    let (_, events) = try await workshop.run()
    #expect(events == [.scanned(found: 3, toEncode: 0)])
  }

  @Test("follows pictures that are moved, added and deleted") func moved() async throws {
    let workshop = try Workshop(pictures: 4)
    let captions = workshop.collection.write("captions.csv", "image,caption\n0.png,a red bird\n")
    try await workshop.run(captions: captions)
    let before = try workshop.contents()
    workshop.collection.move("0.png", to: "album/first.png")
    workshop.collection.remove("1.png")
    workshop.add("new.png", seed: 50)
    #expect(
      try await workshop.run().summary
        == summary(found: 4, added: 1, moved: 1, unchanged: 2, vanished: 1))
    let after = try workshop.contents()
    #expect(after.keys.sorted() == ["2.png", "3.png", "album/first.png", "new.png"])
    // With its captions, which nobody gave for the new path.
    #expect(after["album/first.png"] == before["0.png"])
    #expect(after["album/first.png"]?.texts == ["a red bird"])
  }

  @Test("a moved picture that lies in two places is one that moved and one more") func copied()
    async throws
  {
    let workshop = try Workshop(pictures: 2)
    try await workshop.run()
    workshop.collection.move("0.png", to: "a.png")
    workshop.add("b.png", seed: 0)
    #expect(try await workshop.run().summary == summary(found: 3, added: 1, moved: 1, unchanged: 1))
    let contents = try workshop.contents()
    #expect(contents.keys.sorted() == ["1.png", "a.png", "b.png"])
    #expect(contents["a.png"] == contents["b.png"])
  }

  @Test("pictures that swap their names swap what the index holds of them") func swapped()
    async throws
  {
    let workshop = try Workshop(pictures: 2)
    try await workshop.run()
    let before = try workshop.contents()
    workshop.collection.move("0.png", to: "x")
    workshop.collection.move("1.png", to: "0.png")
    workshop.collection.move("x", to: "1.png")
    for name in ["0.png", "1.png"] { workshop.collection.setTime(name, 1_000_000_000) }
    #expect(try await workshop.run().summary == summary(found: 2, changed: 2))
    let after = try workshop.contents()
    #expect(after["0.png"] == before["1.png"] && after["1.png"] == before["0.png"])
  }

  @Test("drops nothing where most of the collection seems gone, before that is said to be right")
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

  @Test("empties the index of an empty collection only on demand") func emptied() async throws {
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

  @Test("takes over what it knows of the same content rather than encoding it") func reused()
    async throws
  {
    let workshop = try Workshop(pictures: 1)
    try await workshop.run(features: .int8)
    // Not a picture: if it were decoded it would fail.
    let content = Array("not a picture at all".utf8)
    workshop.collection.write("known.png", content)
    let embedding = try #require(workshop.contents()["0.png"]).embedding
    do {
      let store = try IndexStore.open(workshop.index)
      let (metadata, features) = try store.read { snapshot in
        let id = try #require(try snapshot.pictureID(path: Array("0.png".utf8)))
        return (try snapshot.metadata(), try snapshot.features(picture: id))
      }
      _ = consume store
      let writer = try IndexStore.openForWriting(workshop.index, metadata: metadata)
      _ = try writer.write { change in
        try change.put(
          PictureRecord(
            path: Array("elsewhere.png".utf8), size: 1, modified: 1,
            contentHash: SHA256.digest(of: content), width: 7, height: 8, orientation: 1),
          embedding: embedding, features: features)
      }
    }
    #expect(
      try await workshop.run().summary == summary(found: 2, moved: 1, unchanged: 1))
    let contents = try workshop.contents()
    #expect(contents["known.png"]?.embedding == embedding)
    let (record, features) = try IndexStore.open(workshop.index).read { snapshot in
      let id = try #require(try snapshot.pictureID(path: Array("known.png".utf8)))
      return (try snapshot.picture(id), try snapshot.features(picture: id))
    }
    #expect(record?.width == 7 && record?.size == UInt64(content.count))
    #expect(features != nil)
  }

  @Test("keeps failures with their reasons, tries them again only when the file has changed")
  func failures() async throws {
    let workshop = try Workshop(pictures: 2)
    workshop.collection.write("text.jpg", "this is a letter, not a picture")
    workshop.collection.write("empty.png", "")
    workshop.collection.write("cut.png", TestPNG.picture(seed: 3).prefix(400))
    workshop.collection.write("huge.png", TestPNG.header(width: 60_000, height: 60_000))
    let (first, events) = try await workshop.run()
    #expect(first == summary(found: 6, added: 2, failed: 4))
    let names = ["cut.png", "empty.png", "huge.png", "text.jpg"]
    let reported = events.compactMap { if case .failed(let path, _) = $0 { path } else { nil } }
    #expect(reported.sorted() == names)
    let failures = try workshop.failures()
    #expect(failures.keys.sorted() == names)
    #expect(failures.values.allSatisfy { !$0.isEmpty })

    #expect(try await workshop.run().summary == summary(found: 6, unchanged: 2, failedBefore: 4))
    #expect(
      try await workshop.run(retriesFailures: true).summary
        == summary(found: 6, unchanged: 2, failed: 4))

    workshop.add("cut.png", seed: 3)
    workshop.collection.remove("text.jpg")
    workshop.collection.setTime("empty.png", 1_000_000_000)
    #expect(
      try await workshop.run().summary
        == summary(found: 5, added: 1, unchanged: 2, failed: 1, failedBefore: 1))
    #expect(try workshop.failures().keys.sorted() == ["empty.png", "huge.png"])
  }

  @Test("a picture whose new content is broken is no longer found") func broken() async throws {
    let workshop = try Workshop(pictures: 2)
    try await workshop.run()
    workshop.collection.write("0.png", "overwritten by a mishap")
    #expect(try await workshop.run().summary == summary(found: 2, unchanged: 1, failed: 1))
    #expect(try workshop.contents().keys.sorted() == ["1.png"])
    workshop.add("0.png", seed: 0)
    #expect(try await workshop.run().summary == summary(found: 2, added: 1, unchanged: 1))
    #expect(try workshop.failures().isEmpty)
  }

  @Test("a picture that vanishes meanwhile is a failure, and forgotten by the next run")
  func vanishing() async throws {
    let workshop = try Workshop(pictures: 3)
    let (first, _) = try await workshop.run(during: { event in
      if case .scanned = event { workshop.collection.remove("1.png") }
    })
    #expect(first == summary(found: 3, added: 2, failed: 1))
    #expect(try workshop.failures().keys.sorted() == ["1.png"])
    #expect(try await workshop.run().summary == summary(found: 2, unchanged: 2))
    #expect(try workshop.failures().isEmpty)
  }

  @Test(
    "what may not be read is tried again every time, since permission leaves no trace",
    .enabled(if: !isRoot))
  func permission() async throws {
    let workshop = try Workshop(pictures: 2)
    workshop.collection.setPermissions("0.png", 0)
    #expect(try await workshop.run().summary == summary(found: 2, added: 1, failed: 1))
    #expect(try await workshop.run().summary == summary(found: 2, unchanged: 1, failed: 1))
    workshop.collection.setPermissions("0.png", 0o644)
    #expect(try await workshop.run().summary == summary(found: 2, added: 1, unchanged: 1))
  }

  @Test(
    "a run that is stopped keeps what is done, and the next one ends as if nothing had been",
    arguments: [1, 2, 5, 9, 14])
  func interrupted(_ questions: Int) async throws {
    let whole = try Workshop(pictures: 12)
    let stopped = try Workshop(pictures: 12)
    for workshop in [whole, stopped] { workshop.collection.write("3.txt", "Bands of green.") }
    try await whole.run()
    let (first, _) = try await stopped.run(stopAfter: questions)
    #expect(first.interrupted)
    #expect(first.added < 12 || first.texts == 0)
    let (second, _) = try await stopped.run()
    #expect(!second.interrupted)
    #expect(first.added + second.added == 12)
    #expect(second.unchanged == first.added)
    let (contents, expected) = (try stopped.contents(), try whole.contents())
    #expect(contents.mapValues(\.hash) == expected.mapValues(\.hash))
    #expect(contents.mapValues(\.texts) == expected.mapValues(\.texts))
    for (path, content) in contents {
      #expect(isClose(content.embedding, try #require(expected[path]).embedding))
    }
  }

  @Test("an empty or missing collection is an error that leaves the index alone") func empty()
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

  @Test("an index is not emptied by naming another collection, but moves with its own")
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
          collection: collection, index: workshop.index, name: nil, captions: nil, features: nil,
          exclude: []),
        shouldStop: { false }, report: { _ in })
    }
    let error = await #expect(throws: RetrievalError.self) { try await index(other.path) }
    #expect(error?.description.contains(workshop.index) == true)
    #expect(try workshop.contents() == before)

    let place = "\(other.path)-moved"
    try FileManager.default.moveItem(atPath: workshop.collection.path, toPath: place)
    let moved = try await index(place)
    #expect(moved.unchanged == 4 && moved.added == 0)
    #expect(try IndexStore.open(workshop.index).read { try $0.metadata() }.collection == place)
  }

  @Test("what cannot be looked at is not taken for vanished") func hidden() async throws {
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

  @Test("excluded pictures are left out, and leave an index that had them") func excluded()
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

  @Test("names that are not UTF-8 are indexed and found again") func foreignName() async throws {
    let workshop = try Workshop()
    let name = Array("caf".utf8) + [0xE9] + Array(".png".utf8)
    workshop.collection.write(name, TestPNG.picture(seed: 1))
    #expect(try await workshop.run().summary == summary(found: 1, added: 1))
    #expect(try await workshop.run().summary == summary(found: 1, unchanged: 1))
    let location = joined(workshop.collection.root, name)
    let hit = try Searcher(index: workshop.index, modelPath: nil).search(
      text: "bands", count: 1, rerankDepth: 1, minimumMatch: nil)[0]
    #expect(hit.locationBytes == location)
    #expect(hit.path == "caf\u{FFFD}.png")
    #expect(hit.matchLogit != nil)
  }

  @Test("texts follow their files; only what changed is embedded") func texts() async throws {
    let workshop = try Workshop(pictures: 4)
    workshop.collection.write("0.txt", "A bird.\nmore about it")
    workshop.collection.write("1.txt", "A cat.")
    #expect(try await workshop.run().summary == summary(found: 4, added: 4, texts: 2))
    #expect(try workshop.contents()["0.png"]?.texts == ["A bird."])
    #expect(try await workshop.run().summary == summary(found: 4, unchanged: 4))

    workshop.collection.write("1.txt", "A kitten.")
    workshop.collection.remove("0.txt")
    let (result, events) = try await workshop.run()
    #expect(result == summary(found: 4, unchanged: 4, texts: 1))
    #expect(events.last == .texts(1, of: 1))
    #expect(try workshop.contents()["0.png"]?.texts == [])
    #expect(try workshop.contents()["1.png"]?.texts == ["A kitten."])

    let captions = workshop.collection.write(
      "captions.jsonl",
      """
      {"image": "0.png", "caption": ["one", "two", "three"]}
      {"image": "gone.png", "caption": "nowhere to be seen"}
      """)
    let (captioned, warnings) = try await workshop.run(captions: captions)
    #expect(captioned == summary(found: 4, unchanged: 4, texts: 3))
    #expect(
      warnings.contains {
        if case .warning(let text) = $0 { text.contains("gone.png") } else { false }
      })
    #expect(try workshop.contents()["0.png"]?.texts == ["one", "two", "three"])
    #expect(try workshop.contents()["1.png"]?.texts == ["A kitten."])
    // Without the file its captions stand.
    #expect(try await workshop.run().summary == summary(found: 4, unchanged: 4))
    #expect(try workshop.contents()["0.png"]?.texts == ["one", "two", "three"])

    workshop.collection.remove("0.png")
    try await workshop.run()
    #expect(try IndexStore.open(workshop.index).read { try $0.textCount() } == 1)
  }

  @Test("the stored embedding of a text is the model's") func textEmbeddings() async throws {
    let workshop = try Workshop(pictures: 3)
    let captions = workshop.collection.write(
      "captions.csv", "image,caption\n0.png,a red bird\n0.png,two\n1.png,a red bird\n2.png,\"x, y\""
    )
    try await workshop.run(captions: captions)
    try IndexStore.open(workshop.index).read { snapshot in
      var count = 0
      try snapshot.forEachText { id, record in
        let wanted = try workshop.model.embed(texts: [workshop.model.tokens(of: record.text)])[0]
        let stored = try #require(try snapshot.embedding(text: id))
        #expect(isClose(wanted, stored), "\(record.text)")
        count += 1
      }
      #expect(count == 4)
    }
  }

  @Test("a malformed captions file ends the run before anything is written") func badCaptions()
    async throws
  {
    let workshop = try Workshop(pictures: 1)
    let captions = workshop.collection.write("captions.json", "[{\"image\": \"0.png\"}]")
    let error = await #expect(throws: RetrievalError.self) {
      try await workshop.run(captions: captions)
    }
    #expect(error?.description.contains("captions.json, line 1") == true)
    #expect(!FileManager.default.fileExists(atPath: workshop.index))
  }

  @Test("an index made with another model is an error that names both") func otherModel()
    async throws
  {
    let workshop = try Workshop(pictures: 1)
    try await workshop.run()
    let models = Collection()
    let other = "\(models.path)/other-model"
    try models.copyFolder(TinyModel.retrieval.path, as: "other-model")
    let configuration = try Data(contentsOf: URL(filePath: "\(other)/config.json"))
    models.write("other-model/config.json", configuration + Array("\n".utf8))
    let model = try BLIPModel(folder: ModelFolder(path: other))
    let error = await #expect(throws: RetrievalError.self) {
      try await Indexer(model: model).run(
        IndexingRequest(
          collection: workshop.collection.path, index: workshop.index, name: nil, captions: nil,
          features: nil, exclude: []),
        shouldStop: { false }, report: { _ in })
    }
    #expect(error?.description.contains("blip-tiny") == true)
    #expect(error?.description.contains("other-model") == true)

    let refused = #expect(throws: RetrievalError.self) {
      try Searcher(index: workshop.index, modelPath: other)
    }
    #expect(refused?.description.contains("blip-tiny") == true)
    #expect(refused?.description.contains("other-model") == true)
  }

  @Test("a model takes the place of another only when its index is whole") func replaced()
    async throws
  {
    let workshop = try Workshop(pictures: 6)
    let captions = workshop.collection.write("c.csv", "image,caption\n0.png,a red bird\n")
    try await workshop.run(captions: captions)
    let before = try workshop.contents()
    let models = Collection()
    try models.copyFolder(TinyModel.retrieval.path, as: "other-model")
    let configuration = try Data(
      contentsOf: URL(filePath: "\(models.path)/other-model/config.json"))
    models.write("other-model/config.json", configuration + Array("\n".utf8))
    let other = try BLIPModel(folder: ModelFolder(path: "\(models.path)/other-model"))
    func replace(stopAfter questions: Int = .max) async throws -> IndexingSummary {
      let asked = Mutex(0)
      return try await Indexer(model: other).replace(
        IndexingRequest(
          collection: workshop.collection.path, index: workshop.index, name: nil, captions: nil,
          features: nil, exclude: []),
        shouldStop: {
          asked.withLock { count in
            count += 1
            return count > questions
          }
        }, report: { _ in })
    }
    func modelName() throws -> String {
      try IndexStore.open(workshop.index).read { try $0.metadata().modelName }
    }
    #expect(try await replace(stopAfter: 5).interrupted)
    #expect(try modelName() == "blip-tiny")
    #expect(try workshop.contents() == before)

    let summary = try await replace()
    #expect(summary.added + summary.unchanged == 6 && summary.unchanged > 0)
    #expect(try modelName() == "other-model")
    #expect(try workshop.contents().mapValues(\.texts) == before.mapValues(\.texts))
    #expect(!FileManager.default.fileExists(atPath: workshop.index + ".new"))

    // Pictures that are not there now would be missing in the new one.
    try workshop.addGhosts(101)
    let error = await #expect(throws: RetrievalError.self) { try await replace() }
    #expect(error?.description.contains("--allow-vanished") == true)
  }

  @Test("patch features are stored as asked for, and the index keeps its way") func features()
    async throws
  {
    let workshop = try Workshop(pictures: 2)
    try await workshop.run(features: .bf16)
    workshop.add("new.png", seed: 40)
    try await workshop.run()
    let picture = try readPicture(
      at: "\(workshop.collection.path)/new.png", decoder: ImageDecoder(), side: nil)
    let wanted = try workshop.model.encode(picture).features
    try IndexStore.open(workshop.index).read { snapshot in
      #expect(try snapshot.metadata().features == .bf16)
      let id = try #require(try snapshot.pictureID(path: Array("new.png".utf8)))
      let stored = try #require(try snapshot.features(picture: id))
      #expect(stored.rows == wanted.rows && stored.columns == wanted.columns)
      #expect(
        zip(stored.values, wanted.values).allSatisfy { abs($0 - $1) <= abs($1) / 128 + 1e-6 })
    }
    await #expect(throws: RetrievalError.self) { try await workshop.run(features: .int8) }
  }
}
