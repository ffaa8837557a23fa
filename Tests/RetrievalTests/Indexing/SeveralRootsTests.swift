import Files
import FoundationEssentials
import Store
import Testing
import TestSupport

@testable import Retrieval

@Suite("An index of several folders", .ownsProcess) struct SeveralRootsTests {
  /// Two folders with pictures of the same names, and their index.
  private struct Fixture {
    let first = Collection()
    let second = Collection()
    let index = TemporaryFolder().path + "/index"

    init(pictures: Int = 3) {
      for number in 0..<pictures {
        first.write("\(number).png", TestPNG.picture(seed: number))
        second.write("deep/\(number).png", TestPNG.picture(seed: 100 + number))
      }
      second.write("0.png", TestPNG.picture(seed: 200))
    }

    @discardableResult
    func run(_ folders: String..., options: IndexingOptions = IndexingOptions()) async throws
      -> (summary: IndexingSummary, events: [IndexingEvent])
    {
      var events: [IndexingEvent] = []
      let summary = try await Indexer(model: tinyModel.get()).run(
        IndexingRequest(collections: folders, index: index, options: options),
        shouldStop: { false }, report: { events.append($0) })
      return (summary, events)
    }

    /// Where the pictures of the index lie, with their texts.
    func contents() throws -> [String: [String]] {
      try IndexStore.open(index).read { snapshot in
        var contents: [String: [String]] = [:]
        try snapshot.forEachPicture { id, record in
          contents[printable(snapshot.metadata.roots.location(of: record.path))] =
            try snapshot.texts(of: id).map(\.text)
        }
        return contents
      }
    }

    func roots() throws -> [String] { try IndexStore.open(index).metadata.roots.all.map(\.path) }
  }

  @Test("Each is updated by itself; a picture that moves from one to the other keeps its row")
  func update() async throws {
    let fixture = Fixture()
    let (first, second) = (fixture.first, fixture.second)
    #expect(try await fixture.run(first.path, second.path).summary.added == 7)
    #expect(try fixture.roots() == [printable(first.root), printable(second.root)])
    #expect(
      Set(try fixture.contents().keys)
        == Set(
          (0..<3).flatMap { ["\(first.path)/\($0).png", "\(second.path)/deep/\($0).png"] }
            + ["\(second.path)/0.png"]))
    first.write("3.png", TestPNG.picture(seed: 3))
    second.remove("0.png")
    let one = try await fixture.run(first.path).summary
    #expect(one.found == 4 && one.added == 1 && one.unchanged == 3 && one.vanished == 0)
    try FileManager.default.moveItem(
      atPath: "\(first.path)/3.png", toPath: "\(second.path)/moved.png")
    let both = try await fixture.run(second.path, first.path).summary
    #expect(both.moved == 1 && both.added == 0 && both.vanished == 1 && both.unchanged == 6)
    #expect(try fixture.contents()["\(second.path)/moved.png"] != nil)
  }

  @Test(
    "A folder that is not there, or is empty, loses nothing and is told of; the other is updated")
  func unmounted() async throws {
    let fixture = Fixture()
    let (first, second) = (fixture.first, fixture.second)
    try await fixture.run(first.path, second.path)
    let before = try fixture.contents()
    let aside = second.path + ".aside"
    try FileManager.default.moveItem(atPath: second.path, toPath: aside)
    for isEmpty in [false, true] {
      if isEmpty {
        try FileManager.default.createDirectory(
          atPath: second.path, withIntermediateDirectories: true)
      }
      let (summary, events) = try await fixture.run(first.path, second.path)
      #expect(summary.absentRoots == [second.path] && summary.vanished == 0)
      #expect(summary.unchanged == 3)
      #expect(
        events.contains { event in
          if case .warning(let text) = event { text.contains(second.path) } else { false }
        })
      #expect(try fixture.contents() == before)
    }
    await #expect(throws: RetrievalError.self) { try await fixture.run(first.path, "/none/such") }
    // Both are not there: nothing to do is an error.
    try FileManager.default.removeItem(atPath: first.path)
    try FileManager.default.removeItem(atPath: second.path)
    await #expect(throws: RetrievalError.self) { try await fixture.run(first.path, second.path) }
    #expect(try fixture.contents() == before)
  }

  @Test("Most pictures of one gone: they are kept back, and the other folder is updated")
  func guarded() async throws {
    let fixture = Fixture()
    let drawing = TestPNG.picture(seed: 9)
    for number in 0..<103 { fixture.second.write("many/\(number).png", drawing) }
    try await fixture.run(fixture.first.path, fixture.second.path)
    fixture.second.remove("many")
    fixture.first.remove("1.png")
    let summary = try await fixture.run(fixture.first.path, fixture.second.path).summary
    #expect(summary.withheld == 103 && summary.vanished == 1)
    #expect(summary.incompleteRoots == [fixture.second.path])
  }

  @Test("A folder that moved is followed, another one is added only beside one that is known")
  func moved() async throws {
    let fixture = Fixture()
    let (first, second) = (fixture.first, fixture.second)
    try await fixture.run(first.path)
    var error = await #expect(throws: RetrievalError.self) { try await fixture.run(second.path) }
    #expect(error?.code == .collectionMismatch)
    try await fixture.run(first.path, second.path)
    let place = second.path + "-moved"
    try FileManager.default.moveItem(atPath: second.path, toPath: place)
    let summary = try await fixture.run(place).summary
    #expect(summary.unchanged == 4 && summary.added == 0)
    #expect(try fixture.roots() == [first.path, place])
    error = await #expect(throws: RetrievalError.self) {
      try await fixture.run(first.path, place + "/deep")
    }
    #expect(error?.description.contains("lies in \(place)") == true)
    await #expect(throws: RetrievalError.self) { try await fixture.run(first.path, first.path) }
    #expect(try fixture.roots() == [first.path, place])
  }

  @Test("Captions files and texts beside pictures belong to the folder that they name")
  func captions() async throws {
    let fixture = Fixture()
    let (first, second) = (fixture.first, fixture.second)
    second.write("deep/2.txt", "beside it")
    let file = first.write(
      "captions.jsonl",
      """
      {"image": "1.png", "caption": "in the first"}
      {"image": "deep/1.png", "caption": "in the second"}
      {"image": "\(second.path)/0.png", "caption": "absolute"}
      """)
    try await fixture.run(
      first.path, second.path, options: IndexingOptions(captions: file))
    let expected = [
      "\(first.path)/1.png": ["in the first"], "\(second.path)/deep/1.png": ["in the second"],
      "\(second.path)/0.png": ["absolute"], "\(second.path)/deep/2.png": ["beside it"],
    ]
    #expect(try fixture.contents().filter { !$0.value.isEmpty } == expected)
    #expect(try await fixture.run(second.path).summary.texts == 0)
    #expect(try fixture.contents().filter { !$0.value.isEmpty } == expected)
  }

  @Test("Searches, filters, exports and checks know all folders")
  func search() async throws {
    let fixture = Fixture()
    let (first, second) = (fixture.first, fixture.second)
    try await fixture.run(first.path, second.path)
    let index = try await PictureIndex.open(fixture.index)
    func found(_ folders: [String]) async throws -> Set<String> {
      var options = SearchOptions(count: 20)
      options.filter.folders = folders
      options.collapsesAlike = false
      let hits = try await index.search(picture: "\(second.path)/0.png", options: options)
      #expect(hits.allSatisfy { $0.path == $0.location })
      return Set(hits.map(\.location))
    }
    #expect(try await found([]).count == 7)
    #expect(try await found([first.path]) == Set((0..<3).map { "\(first.path)/\($0).png" }))
    #expect(try await found(["deep"]) == Set((0..<3).map { "\(second.path)/deep/\($0).png" }))
    #expect(try await found([second.path + "/deep", first.path]).count == 6)
    #expect(try await found(["."]).count == 7)
    await #expect(throws: RetrievalError.self) { try await found(["none"]) }
    #expect(try await index.check().faults.isEmpty)

    let export = TemporaryFolder().path + "/export"
    _ = try await index.export(to: export)
    let copy = TemporaryFolder().path + "/copy"
    let imported = try await PictureIndex.importEmbeddings(
      from: export, to: copy, model: TinyModel.retrieval.path)
    #expect(imported.pictures == 7)
    #expect(imported.metadata.roots.all.map(\.path) == [first.path, second.path])
    #expect(try IndexStore.metadata(at: copy)?.roots == imported.metadata.roots)
    await index.close()
  }

  @Test("Roots are moved and removed; the pictures of others stay")
  func roots() async throws {
    let fixture = Fixture()
    let (first, second) = (fixture.first, fixture.second)
    try await fixture.run(first.path, second.path)
    let index = try await PictureIndex.open(fixture.index)
    #expect(try await index.rootContents().map(\.pictures) == [3, 4])
    let place = first.path + "-moved"
    try FileManager.default.moveItem(atPath: first.path, toPath: place)
    await #expect(throws: RetrievalError.self) { try await index.moveRoot("/none", to: place) }
    await #expect(throws: RetrievalError.self) {
      try await index.moveRoot(first.path, to: second.path)
    }
    try await index.moveRoot(first.path, to: place)
    #expect(try await index.rootContents().map(\.path) == [place, second.path])
    #expect(try await index.removeRoot(place) == 3)
    #expect(
      try await index.rootContents() == [
        RootContents(path: second.path, pictures: 4, failures: 0, isPresent: true)
      ])
    await #expect(throws: RetrievalError.self) { try await index.removeRoot(second.path) }
    await index.close()
    #expect(try await fixture.run(second.path).summary.unchanged == 4)
    #expect(try await fixture.run(second.path, place).summary.added == 3)
    #expect(try fixture.roots() == [second.path, place])
  }
}
