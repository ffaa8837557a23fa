import BLIP
import Checkpoints
import Foundation
import Images
import Retrieval
import Store
import TestSupport
import Testing

@testable import Evaluation
@testable import RankingMetrics

@Suite("Calibrating a model", .ownsProcess) struct CalibratorTests {
  @Test("phrases are parts of captions; contents are words for what is seen") func phrases() {
    let caption = "A brown dog runs through the deep snow with two black cats ."
    #expect(
      KeyPhrases.phrases(of: caption) == ["a brown dog runs", "the deep snow", "black cats"])
    #expect(KeyPhrases.phrases(of: "an old large grey wall") == ["large grey wall"])
    #expect(KeyPhrases.phrases(of: "with the").isEmpty)
    #expect(KeyPhrases.contents(of: "Two Dogs running on the grass") == ["dog", "run", "grass"])
  }

  @Test("reports what it fitted, measured on other queries; an interruption ends it") func report()
    async throws
  {
    let set = TinySet(pictures: 12)
    let model = try tinyModel.get()
    let index = set.folder.path + "/index"
    _ = try await Indexer(model: model).run(
      IndexingRequest(
        collection: set.folder.path, index: index,
        options: IndexingOptions(captions: set.file, features: .bf16)), shouldStop: { false },
      report: { _ in })
    let searcher = try Searcher(index: index, modelPath: model.folder.path)
    let calibrator = try HitCalibrator(set.captionedSet(), searcher)
    #expect(try await calibrator.run(shouldStop: { true }, report: { _, _ in }) == nil)
    var last = (0, 0)
    // Random weights know nothing: a calibration may not exist, but never has a negative weight.
    do {
      let found = try await calibrator.run(shouldStop: { false }) { last = ($0, $1) }
      let report = try #require(found)
      #expect(report.qualities.allSatisfy { (0...1).contains($0.error) && $0.queries > 0 })
      #expect(report.calibration.sentences.unreranked.cosine > 0)
      #expect(!report.calibration.isHubCorrected)
    } catch let error as RetrievalError {
      #expect(error.description.contains("not calibrated"))
    }
    #expect(last.0 == last.1 && last.1 > 24)
  }

  @Test("is as good on the half that it did not see, and its floor misses one query in twenty")
  func quality() throws {
    var random = SplitMix64(seed: 21)
    func lists(_ count: Int) -> [[LabelledHit]] {
      (0..<count).map { _ in
        (0..<32).map { _ in
          let cosine = Double.random(in: 0.1...0.7, using: &random)
          let match = Double.random(in: -4...4, using: &random)
          let logOdds = 0.4 * match + 15 * cosine - 9
          let isRight = Double.random(in: 0..<1, using: &random) < 1 / (1 + exp(-logOdds))
          return LabelledHit(match: match, cosine: cosine, isRight: isRight)
        }
      }
    }
    let made = HitCalibrator.Lists(fitted: lists(400), measured: lists(400))
    let none = HitCalibrator.Lists(fitted: [], measured: [])
    let report = try CalibrationReport(
      sentences: made, phrases: none, texts: none, isHubCorrected: true)
    let reranked = report.calibration.phrases.reranked
    #expect(abs(reranked.match - 0.4) < 0.05 && abs(reranked.cosine - 15) < 1.5)
    #expect(report.calibration.texts == nil && report.qualities.count == 2)
    #expect(report.qualities.allSatisfy { $0.error < 0.02 && $0.hits == 400 * 32 })
    let firsts = made.measured.map { hits in
      hits.map { report.calibration.phrases.logOdds(match: nil, cosine: Float($0.cosine)) }.max()!
    }
    let floor = report.calibration.sentences.floor
    let below = firsts.count { probability(ofLogOdds: $0) < floor }
    #expect((5...40).contains(below))
    #expect(throws: RetrievalError.self) {
      try CalibrationReport(
        sentences: none, phrases: none, texts: none, isHubCorrected: false)
    }
  }
}
