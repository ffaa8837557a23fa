import Images
import Store
import Synchronization
import TestSupport
import Testing

@testable import Retrieval

/// Reads in a picture the words that were agreed on for its bytes, and counts.
private final class StubReader: PictureDecoder {
  private let words: [[UInt8]: String]
  private let isMissing: Bool
  let read = Mutex(0)

  init(_ words: [[UInt8]: String], isMissing: Bool = false) {
    (self.words, self.isMissing) = (words, isMissing)
  }

  var maximumBytes: Int { ImageDecoder().maximumBytes }

  func decode(_ bytes: [UInt8], forSide side: Int?) throws -> (
    picture: Picture, properties: ImageProperties
  ) { try ImageDecoder().decode(bytes, forSide: side) }

  func details(of bytes: [UInt8]) throws -> PictureDetails { PictureDetails() }

  func requireTextReading() throws { if isMissing { throw TextReadingError.noLanguage } }

  func text(in bytes: [UInt8]) throws -> String {
    read.withLock { $0 += 1 }
    return words[bytes] ?? ""
  }
}

@Suite("Text in pictures, in an index", .ownsProcess)
struct IndexerShownTextTests {
  private static let reader = [TestPNG.picture(seed: 1): "HOTEL Belvedere"]

  @discardableResult
  private func run(
    _ fixture: IndexFixture, _ isRead: Bool?, reader: StubReader = StubReader(Self.reader)
  ) async throws -> IndexingSummary {
    var options = IndexingOptions()
    options.readsText = isRead
    return try await Indexer(model: fixture.model, decoder: reader).run(
      IndexingRequest(
        collection: fixture.collection.path, index: fixture.index, options: options),
      shouldStop: { false }, report: { _ in })
  }

  private func texts(_ fixture: IndexFixture) throws -> [String: String] {
    try IndexStore.open(fixture.index).read { snapshot in
      var texts: [String: String] = [:]
      try snapshot.forEachPicture { id, record in
        texts[String(decoding: record.path, as: UTF8.self)] = try snapshot.shownText(picture: id)
      }
      #expect(try snapshot.check().faults.isEmpty)
      return texts
    }
  }

  private func evidence(_ fixture: IndexFixture) throws -> [Evidence] {
    try Searcher(index: fixture.index, modelPath: TinyModel.retrieval.path).search(
      text: "belvedere", count: 9, rerankDepth: 0, minimumMatch: nil
    ).flatMap(\.evidence)
  }

  @Test("is read when it is asked for, from then on, and found as such")
  func stored() async throws {
    let fixture = try IndexFixture(pictures: 2)
    try await run(fixture, true)
    #expect(try texts(fixture) == ["0.png": "", "1.png": "HOTEL Belvedere"])
    #expect(try evidence(fixture) == [.textInPicture])

    // A copy and a picture that moved keep theirs, a new one gets its own, a changed one another.
    fixture.add("copy.png", seed: 1)
    fixture.collection.move("1.png", to: "moved.png")
    fixture.add("0.png", seed: 7)
    let reader = StubReader([TestPNG.picture(seed: 7): "SCHOOL"])
    try await run(fixture, nil, reader: reader)
    #expect(
      try texts(fixture)
        == ["0.png": "SCHOOL", "moved.png": "HOTEL Belvedere", "copy.png": "HOTEL Belvedere"])
    #expect(reader.read.withLock { $0 } == 1)
  }

  @Test("is read of pictures that are indexed already without encoding them, and once")
  func later() async throws {
    let fixture = try IndexFixture(pictures: 2)
    try await run(fixture, nil)
    #expect(try texts(fixture).isEmpty)
    #expect(try evidence(fixture) == [])
    let summary = try await run(fixture, true)
    #expect(summary.added == 0 && summary.changed == 0 && summary.unchanged == 2)
    #expect(try evidence(fixture) == [.textInPicture])
    let reader = StubReader([:])
    try await run(fixture, true, reader: reader)
    #expect(reader.read.withLock { $0 } == 0)
  }

  @Test("leaves the index, words and all, when it is no longer wanted")
  func removed() async throws {
    let fixture = try IndexFixture(pictures: 2)
    try await run(fixture, nil)
    let before = try fixture.contents()
    try await run(fixture, true)
    try await run(fixture, false)
    #expect(try texts(fixture).isEmpty)
    #expect(try evidence(fixture) == [])
    #expect(try fixture.contents() == before)
    let reader = StubReader(Self.reader)
    try await run(fixture, nil, reader: reader)
    #expect(reader.read.withLock { $0 } == 0)
  }

  @Test("cannot be asked for where it cannot be read")
  func missing() async throws {
    let fixture = try IndexFixture(pictures: 1)
    try await run(fixture, nil)
    let error = await #expect(throws: RetrievalError.self) {
      try await run(fixture, true, reader: StubReader([:], isMissing: true))
    }
    #expect(error?.code == .textNotReadable)
    #expect(error?.description.contains("tesseract-ocr-eng") == true)
    #expect(try IndexStore.open(fixture.index).read { try !$0.readsText() })
  }
}
