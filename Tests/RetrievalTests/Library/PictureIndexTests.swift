import FoundationEssentials
import Retrieval
import TestSupport
import Testing

/// What a user of the library writes: `import Retrieval` and no more.
@Suite("PictureIndex", .ownsProcess)
struct PictureIndexTests {
  private let photos = Collection()
  private let path = TemporaryFolder().path + "/index"
  private let model = TinyModel.retrieval.path

  init() {
    for seed in 0..<6 { photos.write("\(seed).png", TestPNG.picture(seed: seed)) }
    photos.write("2.txt", "Blocks of blue.")
    photos.write("5.txt", "A red ground.")
  }

  private func created() async throws -> PictureIndex {
    let index = try await PictureIndex.create(at: path, model: model)
    try await index.update(from: photos.path).summary()
    return index
  }

  @Test("is created, updated with progress, searched, matched, and closed") func tour() async throws
  {
    let index = try await PictureIndex.create(at: path, model: model)
    var events: [IndexingEvent] = []
    for try await event in index.update(from: photos.path, options: IndexingOptions(name: "tour")) {
      events.append(event)
    }
    guard case .finished(let summary) = events.last else {
      Issue.record("the last event has no summary")
      return
    }
    #expect(events.contains(.scanned(found: 6, toEncode: 6)) && events.contains(.encoded(6)))
    #expect(summary.added == 6 && summary.texts == 2 && !summary.interrupted)
    #expect(try index.metadata.name == "tour" && index.metadata.model.name == "blip-tiny")

    let hits = try await index.search(text: "coloured bands")
    #expect(Set(hits.map(\.path)) == Set((0..<6).map { "\($0).png" }))
    let same = try await index.search(
      picture: photos.path + "/4.png", options: SearchOptions(count: 1))
    #expect(same.map(\.path) == ["4.png"])
    #expect(
      try await index.captions(of: #require(hits.first { $0.path == "2.png" }).id) == [
        "Blocks of blue."
      ])

    let texts = try await index.match(picture: photos.path + "/2.png")
    #expect(Set(texts.map(\.text)) == ["Blocks of blue.", "A red ground."])
    let given = try await index.match(picture: photos.path + "/2.png", texts: ["blue", "red"])
    #expect(Set(given.map(\.text)) == ["blue", "red"])

    let statistics = try await index.statistics()
    #expect(statistics.pictures == 6 && statistics.texts == 2 && statistics.failures.isEmpty)
    #expect(try await index.check().isSound)
    #expect(try await index.repair().check.isSound)
    #expect(try await index.compact().bytesAfter > 0)
    #expect(try await index.search(text: "coloured bands") == hits)
    await index.close()
    await expectError(.closed) { try await index.search(text: "coloured bands") }
    await expectError(.closed) { try await index.update(from: photos.path).summary() }
    await expectError(.closed) { _ = try index.metadata }

    let opened = try await PictureIndex.open(path)
    #expect(try await opened.search(text: "coloured bands") == hits)
  }

  @Test("its defaults are those of the command") func defaults() {
    #expect(
      SearchOptions()
        == SearchOptions(
          count: 10, rerankDepth: nil, minimumMatch: nil, budget: nil, isExact: false, nprobe: nil,
          filter: PictureFilter()))
    let options = IndexingOptions()
    #expect(options.name == nil && options.captions == nil && options.features == nil)
    #expect(options.exclude == nil && options.model == nil && options.recall == nil)
    #expect(!options.rebuildsVectors && !options.retriesFailures && !options.allowsVanished)
  }

  @Test("errors have a code to act on, and name no option of a command") func errors() async throws
  {
    await expectError(.noIndex) { try await PictureIndex.open(path) }
    let folder = TemporaryFolder()
    folder.write("other.txt", "not an index".utf8)
    await expectError(.notAnIndex) { try await PictureIndex.open(folder.path) }
    await expectError(.notAnIndex) { try await PictureIndex.create(at: folder.path) }
    await expectError(.invalidIndexPath) { try await PictureIndex.open("") }
    await expectError(.invalidIndexPath) { try await PictureIndex.open(folder.path + "/other.txt") }

    let empty = try await PictureIndex.create(at: path, model: model)
    await expectError(.noIndex) { try await empty.search(text: "a dog") }
    await expectError(.noPictures) { try await empty.update(from: folder.path).summary() }
    await expectError(.unreadableCollection) {
      try await empty.update(from: folder.path + "/missing").summary()
    }
    let unusable = try await PictureIndex.create(at: path, model: folder.path)
    await expectError(.unusableModel) {
      try await unusable.update(from: photos.path).summary()
    }

    let index = try await created()
    await expectError(.alreadyOpen) { try await PictureIndex.open(path) }
    await expectError(.emptyQuery) { try await index.search(text: " ") }
    await expectError(.emptyQuery) {
      try await index.match(picture: photos.path + "/1.png", texts: [])
    }
    await expectError(.invalidOption) {
      try await index.search(text: "a dog", options: SearchOptions(count: 0))
    }
    await expectError(.invalidOption) {
      try await index.search(
        picture: photos.path + "/1.png", options: SearchOptions(minimumMatch: 0.5))
    }
    await expectError(.invalidOption) {
      try await index.update(from: photos.path, options: IndexingOptions(exclude: [""])).summary()
    }
    var missing = PictureFilter()
    missing.folders = ["missing"]
    await expectError(.folderNotFound) { [missing] in
      try await index.search(text: "a dog", options: SearchOptions(filter: missing))
    }
    await expectError(.unreadablePicture) {
      try await index.search(picture: folder.path + "/other.txt")
    }
    await expectError(.featuresMismatch(.bf16)) {
      try await index.update(from: photos.path, options: IndexingOptions(features: .int8)).summary()
    }
    await expectError(.collectionMismatch) {
      let other = Collection()
      other.write("other.png", TestPNG.picture(seed: 9))
      try await index.update(from: other.path).summary()
    }
    // None of them did any harm.
    #expect(try await index.search(text: "a dog").count == 6)
    await index.close()
    await expectError(.indexExists) { try await PictureIndex.create(at: path) }
  }

  @Test("an update ends cleanly when its task is cancelled, and the next one completes it")
  func cancellation() async throws {
    let index = try await PictureIndex.create(at: path, model: model)
    let photos = photos.path
    let summary = try await Task {
      var summary: IndexingSummary?
      for try await event in index.update(from: photos) {
        if case .scanned = event { withUnsafeCurrentTask { $0?.cancel() } }
        if case .finished(let final) = event { summary = final }
      }
      return summary
    }.value
    #expect(summary?.interrupted == true)
    let rest = try await index.update(from: photos).summary()
    #expect(!rest.interrupted && rest.added + rest.unchanged == 6)
    #expect(try await index.check().isSound)
  }

  @Test("an update that is closed meanwhile stops, and the index can be opened again")
  func closedWhileUpdating() async throws {
    let index = try await PictureIndex.create(at: path, model: model)
    for try await event in index.update(from: photos.path) {
      if case .scanned = event { await index.close() }
      if case .finished(let summary) = event { #expect(summary.interrupted) }
    }
    let opened = try await PictureIndex.open(path)
    let summary = try await opened.update(from: photos.path).summary()
    #expect(summary.added + summary.unchanged == 6)
  }

  @Test("searches run while it is updated") func concurrency() async throws {
    let index = try await created()
    for seed in 6..<30 { photos.write("\(seed).png", TestPNG.picture(seed: seed)) }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var least = 6
          for _ in 0..<5 {
            let hits = try await index.search(text: "bands", options: SearchOptions(count: 100))
            least = min(least, hits.count)
          }
          return least
        }
      }
      let photos = photos.path
      group.addTask { try await index.update(from: photos).summary().found }
      for try await result in group { #expect(result == 6 || result == 30) }
    }
    let hits = try await index.search(text: "bands", options: SearchOptions(count: 100))
    #expect(hits.count == 30)
  }

  @Test("two updates take turns") func twoUpdates() async throws {
    let index = try await created()
    photos.write("new.png", TestPNG.picture(seed: 40))
    async let first = index.update(from: photos.path).summary()
    async let second = index.update(from: photos.path).summary()
    let added = try await [first.added, second.added]
    #expect(added.reduce(0, +) == 1)
  }

  @Test("is rebuilt with another model, and searched with it then") func otherModel() async throws {
    let index = try await created()
    let models = Collection()
    try models.copyFolder(model, as: "other-model")
    let other = models.path + "/other-model"
    let configuration = try Data(contentsOf: URL(filePath: "\(other)/config.json"))
    models.write("other-model/config.json", configuration + Array("\n".utf8))
    var options = IndexingOptions()
    options.model = other
    var replaced = false
    for try await event in index.update(from: photos.path, options: options) {
      if event == .replacing(model: "blip-tiny", by: "other-model") { replaced = true }
    }
    #expect(replaced)
    #expect(try index.metadata.model.name == "other-model")
    #expect(try await index.search(text: "bands").count == 6)
  }

  @Test("a query says what the model does not read of it") func query() async throws {
    let index = try await created()
    func query(_ text: String) async throws -> PictureQuery {
      try await index.query(QueryExpression(.text(text)))
    }
    let short = try await query("a red ground")
    #expect(short.texts.map(\.isTruncated) == [false])
    let long = try await query(Array(repeating: "red", count: 50).joined(separator: " "))
    #expect(long.texts.map(\.isTruncated) == [true])
    #expect(try await query("\u{1F600}").texts[0].language.isForeign)
    #expect(try await index.search(short) == index.search(text: "a red ground"))
  }
}

/// Expects an error of this code whose text names no option of a command.
private func expectError<Result>(
  _ code: RetrievalError.Code, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> Result
) async {
  do {
    _ = try await body()
    Issue.record("no error where \(code) is expected", sourceLocation: sourceLocation)
  } catch let error as RetrievalError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    #expect(!error.description.contains("--"), sourceLocation: sourceLocation)
  } catch {
    Issue.record("\(error) is not a RetrievalError", sourceLocation: sourceLocation)
  }
}
