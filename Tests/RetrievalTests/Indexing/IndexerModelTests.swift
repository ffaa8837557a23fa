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
          collection: workshop.collection.path, index: workshop.index),
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

  @Test("A model replaces another only when its index is complete") func replaced()
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
          collection: workshop.collection.path, index: workshop.index),
        shouldStop: {
          asked.withLock { count in
            count += 1
            return count > questions
          }
        }, report: { _ in })
    }
    func modelName() throws -> String {
      try IndexStore.open(workshop.index).metadata.modelName
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
    #expect(error?.code == .mostPicturesMissing)
  }

  @Test("Patch features are stored as requested, and later runs keep their precision")
  func features()
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
      #expect(snapshot.metadata.features == .bf16)
      let id = try #require(try snapshot.pictureID(path: Array("new.png".utf8)))
      let stored = try #require(try snapshot.features(picture: id))
      #expect(stored.rows == wanted.rows && stored.columns == wanted.columns)
      #expect(
        zip(stored.values, wanted.values).allSatisfy { abs($0 - $1) <= abs($1) / 128 + 1e-6 })
    }
    await #expect(throws: RetrievalError.self) { try await workshop.run(features: .int8) }
  }
}
