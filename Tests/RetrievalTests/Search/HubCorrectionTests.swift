import BLIP
import Checkpoints
import FoundationEssentials
import TestSupport
import Testing

@testable import Retrieval
@testable import Store

/// Indexes of a model that ships with texts to find hubs by.
@Suite("A model with a bank of texts", .ownsProcess) struct HubCorrectionTests {
  private static let query = "coloured bands on a red ground"

  /// The tiny model with a bank; its fingerprint is the same.
  private static func model(texts: Int) throws -> BLIPModel {
    let folder = TemporaryFolder()
    let path = TinyModel.retrieval.write(to: folder)
    let words = ["a red bird", "blue bands", "two dogs", "snow", "a beach"]
    try TextBank((0..<texts).map { "\(words[$0 % 5]) \($0)" }, by: tinyModel.get()).write(to: path)
    return try BLIPModel(folder: ModelFolder(path: path))
  }

  private func run(_ fixture: IndexFixture, _ model: BLIPModel) async throws {
    _ = try await Indexer(model: model).run(
      IndexingRequest(
        collection: fixture.collection.path, index: fixture.index,
        options: IndexingOptions(features: .bf16)), shouldStop: { false }, report: { _ in })
  }

  private func hits(_ fixture: IndexFixture, _ model: BLIPModel, depth: Int = 0) throws
    -> [PictureHit]
  {
    try Searcher(index: fixture.index, modelPath: model.folder.path).search(
      text: Self.query, count: 20, rerankDepth: depth, minimumMatch: nil)
  }

  @Test("orders pictures by cosine less hubness, and shows the cosine") func order() async throws {
    let fixture = try IndexFixture(pictures: 9)
    let model = try Self.model(texts: 40)
    try await run(fixture, model)
    let hits = try hits(fixture, model)
    let bank = try #require(try model.textBank())
    let embeddings = try fixture.contents().mapValues(\.embedding)
    let query = try model.embed(texts: [model.tokens(of: Self.query)])[0]
    for hit in hits {
      let embedding = try #require(embeddings[hit.path])
      let cosine = zip(embedding, query).reduce(Float(0)) { $0 + $1.0 * $1.1 }
      #expect(abs(hit.cosine - cosine) < 1e-4)
      #expect(abs(try #require(hit.hubness) - bank.hubness(of: embedding)) < 1e-5)
    }
    let scores = hits.map { $0.cosine - $0.hubness! }
    #expect(hits.count == 9 && scores == scores.sorted(by: >))
    // Another picture as the query finds itself first, without any correction.
    let same = try Searcher(index: fixture.index, modelPath: model.folder.path).search(
      pictureAt: "\(fixture.collection.path)/3.png", count: 3)
    #expect(same.first?.path == "3.png" && same.allSatisfy { $0.hubness == nil })
    #expect(same.map(\.cosine) == same.map(\.cosine).sorted(by: >))
  }

  @Test("gives earlier pictures a hubness from their embeddings; another bank, another one")
  func update() async throws {
    let fixture = try IndexFixture(pictures: 4)
    try await fixture.run(features: .bf16)
    #expect(try hits(fixture, fixture.model).allSatisfy { $0.hubness == nil })
    let (first, second) = (try Self.model(texts: 40), try Self.model(texts: 15))
    try await run(fixture, first)
    func stored() throws -> [Float] {
      try IndexStore.open(fixture.index).read { snapshot in
        try (1...4).compactMap { try snapshot.hubness(of: $0) }
      }
    }
    let before = try stored()
    #expect(before.count == 4)
    try await run(fixture, first)
    #expect(try stored() == before)
    try await run(fixture, second)
    let after = try stored()
    #expect(after.count == 4 && after != before)
    // A model without a bank goes without.
    try await fixture.run(features: .bf16)
    #expect(try stored().isEmpty)
    #expect(try IndexStore.open(fixture.index).read { try $0.check() }.isSound)
  }

  @Test("a calibration orders all hits by probability, if it is of corrected cosines")
  func calibrated() async throws {
    let fixture = try IndexFixture(pictures: 9)
    let model = try Self.model(texts: 40)
    try await run(fixture, model)
    let kind = HitCalibration.Kind(
      reranked: try #require(HitCalibration.Logistic(match: 0.5, cosine: 9, bias: -3)),
      unreranked: try #require(HitCalibration.Logistic(match: 0, cosine: 20, bias: -4)),
      floor: 0.999)
    for isHubCorrected in [true, false] {
      try ModelFolder.setCalibration(
        HitCalibration(
          sentences: kind, phrases: kind, texts: nil, isHubCorrected: isHubCorrected),
        of: model.folder.path)
      let hits = try hits(fixture, model, depth: 4)
      #expect(hits.count == 9 && hits.count { $0.matchLogit != nil } == 4)
      guard isHubCorrected else {
        #expect(hits.allSatisfy { $0.probability == nil && !$0.isImprobable })
        #expect(hits.prefix(4).allSatisfy { $0.matchLogit != nil })
        continue
      }
      let probabilities = try hits.map { try #require($0.probability) }
      #expect(probabilities == probabilities.sorted(by: >))
      for hit in hits {
        let logOdds = kind.logOdds(match: hit.matchLogit, cosine: hit.cosine - hit.hubness!)
        #expect(abs(hit.probability! - probability(ofLogOdds: logOdds)) < 1e-4)
        #expect(hit.isImprobable == (hit.probability! < 0.999))
      }
    }
  }
}
