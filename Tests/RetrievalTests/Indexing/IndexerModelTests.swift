import BLIP
import Checkpoints
import Files
import FoundationEssentials
import Images
import Store
import Synchronization
import Tensors
import Testing
import TestSupport

@testable import Retrieval

@Suite("Indexing with another model", .ownsProcess)
struct IndexerModelTests {
  @Test("An index made with another model is an error that names both") func otherModel()
    async throws
  {
    let fixture = try IndexFixture(pictures: 1)
    try await fixture.run()
    let models = Collection()
    let other = "\(models.path)/other-model"
    try models.copyFolder(TinyModel.retrieval.path, as: "other-model")
    let configuration = try Data(contentsOf: URL(filePath: "\(other)/config.json"))
    models.write("other-model/config.json", configuration + Array("\n".utf8))
    let model = try BLIPModel(folder: ModelFolder(path: other))
    let error = await #expect(throws: RetrievalError.self) {
      try await Indexer(model: model).run(
        IndexingRequest(
          collection: fixture.collection.path, index: fixture.index),
        shouldStop: { false }, report: { _ in })
    }
    #expect(error?.description.contains("blip-tiny") == true)
    #expect(error?.description.contains("other-model") == true)

    let refused = #expect(throws: RetrievalError.self) {
      try Searcher(index: fixture.index, modelPath: other)
    }
    #expect(refused?.description.contains("blip-tiny") == true)
    #expect(refused?.description.contains("other-model") == true)
  }

  @Test("A model replaces another only when its index is complete") func replaced()
    async throws
  {
    let fixture = try IndexFixture(pictures: 6)
    let captions = fixture.collection.write("c.csv", "image,caption\n0.png,a red bird\n")
    try await fixture.run(captions: captions)
    let before = try fixture.contents()
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
          collection: fixture.collection.path, index: fixture.index),
        shouldStop: {
          asked.withLock { count in
            count += 1
            return count > questions
          }
        }, report: { _ in })
    }
    func modelName() throws -> String {
      try IndexStore.open(fixture.index).metadata.model.name
    }
    #expect(try await replace(stopAfter: 5).interrupted)
    #expect(try modelName() == "blip-tiny")
    #expect(try fixture.contents() == before)

    let summary = try await replace()
    #expect(summary.added + summary.unchanged == 6 && summary.unchanged > 0)
    #expect(try modelName() == "other-model")
    #expect(try fixture.contents().mapValues(\.texts) == before.mapValues(\.texts))
    #expect(!FileManager.default.fileExists(atPath: fixture.index + ".new"))

    // Pictures that are not there now would be missing in the new one.
    try fixture.addGhosts(101)
    let error = await #expect(throws: RetrievalError.self) { try await replace() }
    #expect(error?.code == .mostPicturesMissing)
  }

  @Test("Patch features are stored as requested, and later runs keep their precision")
  func features()
    async throws
  {
    let fixture = try IndexFixture(pictures: 2)
    try await fixture.run(features: .bf16)
    fixture.add("new.png", seed: 40)
    try await fixture.run()
    let picture = try ImageDecoder().picture(
      at: Array("\(fixture.collection.path)/new.png".utf8), forSide: nil)
    let wanted = try fixture.model.encode(picture).features
    try IndexStore.open(fixture.index).read { snapshot in
      #expect(snapshot.metadata.features == .bf16)
      let id = try #require(try snapshot.pictureID(path: Array("new.png".utf8)))
      let stored = try #require(try snapshot.features(picture: id))
      #expect(stored.rows == wanted.rows && stored.columns == wanted.columns)
      #expect(
        zip(stored.values, wanted.values).allSatisfy { abs($0 - $1) <= abs($1) / 128 + 1e-6 })
    }
    await #expect(throws: RetrievalError.self) { try await fixture.run(features: .int8) }
  }
}
