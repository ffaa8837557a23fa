import Checkpoints
import Files
import FoundationEssentials
import Images
import Store
import Tensors
import TestSupport
import Testing
import VectorIndex

@testable import BLIP
@testable import Retrieval

@Suite("Searching an index", .ownsProcess)
struct SearcherTests {
  private static let count = 9
  private static let query = "coloured bands on a red ground"

  private func fixture(features: FeaturePrecision = .none) async throws -> IndexFixture {
    let fixture = try IndexFixture(pictures: Self.count)
    fixture.collection.write("2.txt", "Blocks of blue.")
    fixture.collection.write("5.txt", "A red ground.")
    try await fixture.run(features: features)
    return fixture
  }

  /// Cosine and match of a text with every picture, by the model alone.
  private func bruteForce(_ fixture: IndexFixture, _ text: String) throws
    -> [String: (cosine: Float, match: MatchLogits)]
  {
    let model = fixture.model
    let tokens = model.tokens(of: text)
    let query = try model.embed(texts: [tokens])[0]
    var results: [String: (cosine: Float, match: MatchLogits)] = [:]
    for seed in 0..<Self.count {
      let path = "\(fixture.collection.path)/\(seed).png"
      let encoding = try model.encode(ImageDecoder().picture(at: Array(path.utf8), forSide: nil))
      results["\(seed).png"] = (
        zip(query, encoding.embedding).reduce(0) { $0 + $1.0 * $1.1 },
        try model.match(text: tokens, features: [encoding.features])[0]
      )
    }
    return results
  }

  @Test("orders all pictures by their cosine with the text") func cosineOrder()
    async throws
  {
    let fixture = try await fixture()
    let hits = try Searcher(index: fixture.index, modelPath: nil).search(
      text: Self.query, count: 100, rerankDepth: 0, minimumMatch: nil)
    let expected = try bruteForce(fixture, Self.query)
    #expect(hits.count == Self.count)
    for (hit, next) in zip(hits, hits.dropFirst()) { #expect(hit.cosine >= next.cosine) }
    for hit in hits {
      #expect(abs(hit.cosine - (try #require(expected[hit.path])).cosine) < 1e-5)
      #expect(hit.matchLogit == nil && hit.matchProbability == nil)
      #expect(hit.location == "\(printable(fixture.collection.root))/\(hit.path)")
      #expect(
        hit.captions == ["2.png": ["Blocks of blue."], "5.png": ["A red ground."]][hit.path] ?? [])
    }
    let best = try Searcher(index: fixture.index, modelPath: nil).search(
      text: Self.query, count: 3, rerankDepth: 0, minimumMatch: nil)
    #expect(best == Array(hits.prefix(3)))
  }

  @Test(
    "reranks by match logit + cosine, with features from the index or from the files",
    arguments: FeaturePrecision.allCases)
  func rerankOrder(_ features: FeaturePrecision) async throws {
    let fixture = try await fixture(features: features)
    let searcher = try Searcher(index: fixture.index, modelPath: nil)
    let depth = 6
    let hits = try searcher.search(
      text: Self.query, count: Self.count, rerankDepth: depth, minimumMatch: nil)
    let byCosine = try searcher.search(
      text: Self.query, count: Self.count, rerankDepth: 0, minimumMatch: nil)
    let expected = try bruteForce(fixture, Self.query)
    #expect(Set(hits.prefix(depth).map(\.path)) == Set(byCosine.prefix(depth).map(\.path)))
    #expect(hits.dropFirst(depth).map(\.path) == byCosine.dropFirst(depth).map(\.path))
    #expect(hits.dropFirst(depth).allSatisfy { $0.matchLogit == nil })
    let scores = try hits.prefix(depth).map { try #require($0.matchLogit) + $0.cosine }
    #expect(scores == scores.sorted(by: >))
    let tolerance: Float = features == .none ? 1e-4 : features == .bf16 ? 1e-2 : 3e-2
    for hit in hits.prefix(depth) {
      let match = try #require(expected[hit.path]).match
      #expect(abs(try #require(hit.matchLogit) - match.match) < tolerance)
      #expect(abs(try #require(hit.matchProbability) - match.probability) < tolerance)
    }
  }

  @Test("leaves out hits below a minimum match probability, and reranks at any depth")
  func minimumMatch() async throws {
    let fixture = try await fixture()
    let searcher = try Searcher(index: fixture.index, modelPath: nil)
    let probabilities = try bruteForce(fixture, Self.query).mapValues(\.match.probability)
    let cut = probabilities.values.sorted()[Self.count / 2] - 1e-4
    let hits = try searcher.search(
      text: Self.query, count: 100, rerankDepth: 0, minimumMatch: cut)
    #expect(Set(hits.map(\.path)) == Set(probabilities.filter { $0.value >= cut }.keys))
    #expect(hits.count < Self.count || Set(probabilities.values).count == 1)
    #expect(
      try searcher.search(text: Self.query, count: 5, rerankDepth: 4, minimumMatch: 1).isEmpty)
    #expect(
      try searcher.search(text: Self.query, count: 9, rerankDepth: 4, minimumMatch: 0).count == 4)
  }

  @Test("ranks a candidate whose file is gone by cosine, after the reranked ones")
  func goneFile() async throws {
    let fixture = try await fixture()
    let searcher = try Searcher(index: fixture.index, modelPath: nil)
    let best = try searcher.search(
      text: Self.query, count: 1, rerankDepth: 0, minimumMatch: nil)[0]
    fixture.collection.remove(best.path)
    let hits = try searcher.search(
      text: Self.query, count: 4, rerankDepth: 4, minimumMatch: nil)
    #expect(hits.last == best)
    #expect(hits.dropLast().allSatisfy { $0.matchLogit != nil })
  }

  @Test(
    "refuses an empty query and invalid numbers",
    arguments: [
      ("", 10, 0, nil), (" \t\n", 10, 0, nil), ("\"!.:;\"", 10, 0, nil), ("dog", 0, 0, nil),
      ("dog", -1, 0, nil), ("dog", 10, -1, nil), ("dog", 10, 0, 1.5), ("dog", 10, 0, Float.nan),
    ] as [(String, Int, Int, Float?)])
  func refused(_ text: String, _ count: Int, _ depth: Int, _ minimum: Float?) async throws {
    let fixture = try IndexFixture(pictures: 1)
    try await fixture.run()
    let searcher = try Searcher(index: fixture.index, modelPath: nil)
    #expect(throws: RetrievalError.self) {
      try searcher.search(text: text, count: count, rerankDepth: depth, minimumMatch: minimum)
    }
  }

  @Test("truncates a query of ten thousand characters to what the model reads") func longQuery()
    async throws
  {
    let fixture = try await fixture()
    let searcher = try Searcher(index: fixture.index, modelPath: nil)
    for text in [String(repeating: "dog ", count: 2500), String(repeating: "x", count: 10_000)] {
      let hits = try searcher.search(text: text, count: 2, rerankDepth: 2, minimumMatch: nil)
      #expect(hits.count == 2)
    }
  }

  @Test("finds a picture itself first when it is the query") func imageToImage() async throws {
    let fixture = try await fixture()
    let searcher = try Searcher(index: fixture.index, modelPath: nil)
    let hits = try searcher.search(pictureAt: "\(fixture.collection.path)/4.png", count: 3)
    #expect(hits.count == 3)
    #expect(hits[0].path == "4.png" && abs(hits[0].cosine - 1) < 1e-4)
    let error = #expect(throws: RetrievalError.self) {
      try searcher.search(pictureAt: "/nowhere.png", count: 3)
    }
    #expect(error?.description.contains("/nowhere.png") == true)
    let text = fixture.collection.write("letter.jpg", "not a picture")
    let refused = #expect(throws: RetrievalError.self) {
      try searcher.search(pictureAt: text, count: 3)
    }
    #expect(refused?.description.contains(text) == true)
  }

  @Test("matches the texts of the index to a picture") func matchTexts() async throws {
    let fixture = try await fixture()
    let searcher = try Searcher(index: fixture.index, modelPath: nil)
    let path = "\(fixture.collection.path)/7.png"
    let hits = try searcher.match(pictureAt: path, count: 10, rerankDepth: nil, minimumMatch: nil)
    #expect(Set(hits.map(\.text)) == ["Blocks of blue.", "A red ground."])
    #expect(Set(hits.map(\.path)) == ["2.png", "5.png"])
    let alone = try match(
      pictureAt: path, texts: ["Blocks of blue.", "A red ground."], model: fixture.model)
    #expect(hits.map(\.text) == alone.map(\.text))
    for (hit, other) in zip(hits, alone) {
      #expect(abs(hit.cosine - other.cosine) < 1e-5)
      #expect(abs(try #require(hit.matchLogit) - (try #require(other.matchLogit))) < 1e-4)
      let expected = try bruteForce(fixture, hit.text)["7.png"]
      #expect(abs(other.cosine - (try #require(expected)).cosine) < 1e-5)
      #expect(abs(try #require(other.matchLogit) - (try #require(expected)).match.match) < 1e-4)
    }
    let byCosine = try searcher.match(
      pictureAt: path, count: 1, rerankDepth: 0, minimumMatch: nil)
    #expect(byCosine.count == 1 && byCosine[0].matchLogit == nil)
  }

  @Test("says what to do if the index has no texts to match") func noTexts() async throws {
    let fixture = try IndexFixture(pictures: 1)
    try await fixture.run()
    let searcher = try Searcher(index: fixture.index, modelPath: nil)
    let path = "\(fixture.collection.path)/0.png"
    let error = #expect(throws: RetrievalError.self) {
      try searcher.match(pictureAt: path, count: 1, rerankDepth: nil, minimumMatch: nil)
    }
    #expect(error?.code == .noTexts)
    #expect(throws: RetrievalError.self) {
      try match(pictureAt: path, texts: [String](), model: fixture.model)
    }
    #expect(throws: RetrievalError.self) {
      try match(pictureAt: path, texts: ["a dog", " "], model: fixture.model)
    }
  }

  @Test("reranks 32 hits by default if features are stored, else none") func depth()
    async throws
  {
    let stored = try await fixture(features: .int8)
    #expect(try Searcher(index: stored.index, modelPath: nil).defaultRerankDepth == 32)
    let plain = try await fixture()
    #expect(try Searcher(index: plain.index, modelPath: nil).defaultRerankDepth == 0)
    #expect(
      try Searcher(index: plain.index, modelPath: TinyModel.retrieval.path).defaultRerankDepth == 0)
  }

  @Test("reports a missing index by its path") func noIndex() {
    let error = #expect(throws: RetrievalError.self) {
      try Searcher(index: "/nowhere/index", modelPath: nil)
    }
    #expect(error?.description.contains("/nowhere/index") == true)
  }
}

@Suite("An index made with the default model", .ownsProcess) struct DefaultModelIndexTests {
  @Test("uses the default model if the folder that it was made with is gone") func movedModel()
    async throws
  {
    let standard = try BLIPModel.defaultModelPath()
    let collection = Collection()
    let copy = "\(collection.path)/blip-mini"
    try collection.copyFolder(standard, as: "blip-mini")
    collection.write("a.png", TestPNG.picture(seed: 1))
    let index = "\(Collection().path)/index"
    _ = try await Indexer(model: BLIPModel(folder: ModelFolder(path: copy))).run(
      IndexingRequest(
        collection: collection.path, index: index),
      shouldStop: { false }, report: { _ in })
    #expect(try Searcher(index: index, modelPath: nil).model.folder.path == copy)
    try FileManager.default.removeItem(atPath: copy)
    let searcher = try Searcher(index: index, modelPath: nil)
    #expect(searcher.model.folder.path == standard)
    let hits = try searcher.search(text: "a pattern", count: 1, rerankDepth: 1, minimumMatch: nil)
    #expect(hits.map(\.path) == ["a.png"])
    #expect(hits.first?.matchProbability != nil)
    #expect(searcher.store.metadata.model.name == "blip-mini")
  }
}
