import BLIP
import Checkpoints
import Foundation
import Retrieval
import Store
import TestSupport
import Testing

@testable import Evaluation

@Suite("Weighing words", .ownsProcess) struct WordCalibratorTests {
  private static func kind() throws -> HitCalibration.Kind {
    HitCalibration.Kind(
      reranked: try #require(HitCalibration.Logistic(match: 0.5, cosine: 9, bias: -3)),
      unreranked: try #require(HitCalibration.Logistic(match: 0, cosine: 20, bias: -5)))
  }

  @Test(
    "held-out captions find their pictures by the others; nothing is fitted to a single caption each"
  )
  func run() async throws {
    let set = TinySet(pictures: WordCalibrator.fewestPictures)
    let model = try tinyModel.get()
    let index = set.folder.path + "/index"
    _ = try await Indexer(model: model).run(
      IndexingRequest(
        collection: set.folder.path, index: index,
        options: IndexingOptions(captions: set.file, features: .bf16)), shouldStop: { false },
      report: { _ in })
    let searcher = try Searcher(index: index, modelPath: model.folder.path)
    let kind = try Self.kind()
    let calibration = HitCalibration(
      sentences: kind, phrases: kind, texts: kind, isHubCorrected: false)
    let calibrator = try #require(WordCalibrator(set.captionedSet(), searcher, calibration))
    #expect(try await calibrator.run(shouldStop: { true }, report: { _, _ in }) == nil)
    var last = (0, 0)
    let report = try #require(
      try await calibrator.run(shouldStop: { false }) { last = ($0, $1) })
    #expect(last.0 == last.1 && last.1 >= WordCalibrator.fewestPictures)
    #expect(report.calibration.texts == kind)
    #expect(report.recalls.map(\.name) == ["pictures", "words", "pictures and words"])
    #expect(report.recalls.allSatisfy { $0.at1 <= $0.at5 && $0.at5 <= $0.at10 && $0.at10 <= 1 })
    #expect(report.qualities.allSatisfy { (0...1).contains($0.error) && $0.queries > 0 })
    #expect(try WordCalibrator(TinySet(pictures: 12).captionedSet(), searcher, calibration) == nil)
  }

  @Test("weights are those that made the answers, and probabilities are as often right")
  func weights() throws {
    var random = SplitMix64(seed: 5)
    let kind = try Self.kind()
    let made = try #require(
      WordCalibration.Weights(
        scale: 0.5, score: 0, coverage: 2, rarest: 0, caption: 6, complete: 3, bias: -4))
    func answers(_ count: Int, from first: Int) -> [WordAnswer] {
      (first..<first + count).map { number in
        let hits = (0..<40).map { picture in
          let scores = WordCalibration.Scores(
            score: 0, coverage: random.coin() ? 1 : Float(random.uniform(in: 0...0.9)), rarest: 0,
            caption: Float(random.uniform(in: 0...0.8)))
          let (cosine, match) = (random.uniform(in: 0...0.5), random.uniform(in: -4...4))
          let logOdds = made.logOdds(
            kind.logOdds(match: Float(match), cosine: Float(cosine)), scores)
          return WordHit(
            picture: picture, cosine: cosine, match: match, scores: scores,
            isRight: random.uniform(in: 0...1) < 1 / (1 + exp(-logOdds)), isOwn: picture == 0)
        }
        return WordAnswer(
          query: WordQuery(
            number: number, picture: 0, isCaption: true, isPhrase: number.isMultiple(of: 3),
            terms: ["a"], tokens: [], embedding: []),
          hits: hits, rankByWords: nil)
      }
    }
    let report = WordCalibrationReport(
      HitCalibration(sentences: kind, phrases: kind, texts: nil, isHubCorrected: false),
      byCosine: [made, made], fitted: answers(600, from: 0), measured: answers(600, from: 600),
      ofManyCaptions: [])
    for words in [report.calibration.sentences.words, report.calibration.phrases.words] {
      let fitted = try #require(words).reranked
      #expect(abs(fitted.scale - 0.5) < 0.1 && abs(fitted.caption - 6) < 1)
      #expect(abs(fitted.coverage - 2) < 0.7 && abs(fitted.complete - 3) < 0.5)
    }
    let errors = report.qualities.filter { $0.name.hasSuffix("reranked") }.map(\.error)
    #expect(errors.count == 2 && errors.allSatisfy { $0 < 0.03 })
  }
}
