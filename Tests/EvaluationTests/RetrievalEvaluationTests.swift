import BLIP
import Captions
import Checkpoints
import Evaluation
import Files
import Foundation
import Images
import RankingMetrics
import Retrieval
import Store
import Testing
import TestSupport

@Suite("BLIP's retrieval evaluation", .ownsProcess)
struct RetrievalEvaluationTests {
  /// All pairs of a set, scored one by one: cosines and match logits, `[text][picture]`.
  private struct FullMatrix {
    var cosines: [[Double]] = []
    var logits: [[Double]] = []
    let owner: [Int]

    init(_ set: TinySet) throws {
      let model = try tinyModel.get()
      let pictures = try set.captions.indices.map {
        try model.encode(
          ImageDecoder().picture(
            at: Array("\(set.folder.path)/\($0).jpg".utf8),
            forSide: model.folder.preprocessing.imageSize))
      }
      owner = set.captions.enumerated().flatMap { picture, captions in captions.map { _ in picture }
      }
      for caption in set.captions.joined() {
        let tokens = model.tokens(of: caption)
        let embedding = try model.embed(texts: [tokens])[0]
        cosines.append(
          pictures.map {
            zip(embedding, $0.embedding).reduce(0) { $0 + Double($1.0) * Double($1.1) }
          })
        logits.append(
          try pictures.map {
            Double(try model.match(text: tokens, features: [$0.features])[0].match)
          })
      }
    }

    /// BLIP's rule on whole rows of scores: the places, from 0, of the best answers.
    private func ranks(
      _ cosines: [[Double]], _ logits: [[Double]], depth: Int, weight: Double, answers: [[Int]]
    ) -> [Int] {
      zip(zip(cosines, logits), answers).map { row, answers in
        let (cosines, logits) = row
        let top = Set(
          cosines.indices.sorted { (cosines[$1], $0) < (cosines[$0], $1) }.prefix(depth))
        let scores = cosines.indices.map { item in
          depth == 0
            ? cosines[item] : top.contains(item) ? logits[item] + weight * cosines[item] : -100
        }
        let order = scores.indices.sorted { (scores[$0], $0) > (scores[$1], $1) }
        return answers.map { order.firstIndex(of: $0)! }.min()!
      }
    }

    func metrics(depth: Int, weight: Double) -> [String: Double] {
      func transposed(_ rows: [[Double]]) -> [[Double]] {
        rows[0].indices.map { column in rows.map { $0[column] } }
      }
      let pictures = cosines[0].count
      let toText = ranks(
        transposed(cosines), transposed(logits), depth: depth, weight: weight,
        answers: (0..<pictures).map { picture in owner.indices.filter { owner[$0] == picture } })
      let toImage = ranks(
        cosines, logits, depth: depth, weight: weight, answers: owner.map { [$0] })
      var metrics: [String: Double] = [:]
      for (name, ranks) in [("txt", toText), ("img", toImage)] {
        let recalls = [1, 5, 10].map { k in
          100 * Double(ranks.filter { $0 < k }.count) / Double(ranks.count)
        }
        for (k, recall) in zip([1, 5, 10], recalls) { metrics["\(name)_r\(k)"] = recall }
        metrics["\(name)_r_mean"] = recalls.reduce(0, +) / 3
      }
      metrics["r_mean"] = (metrics["txt_r_mean"]! + metrics["img_r_mean"]!) / 2
      return metrics
    }
  }

  @Test("equals an evaluation of the full matrix in doubles, in both directions at every depth")
  func parity() async throws {
    let set = TinySet(pictures: 14)
    let full = try FullMatrix(set)
    for weight: Float in [1, 20] {
      let report = try #require(try await set.evaluate(depths: [7, 0, 3, 100], weight: weight))
      #expect(report.depths.map(\.depth) == [0, 3, 7, 100])
      for depth in report.depths {
        let expected = full.metrics(depth: depth.depth, weight: Double(weight))
        #expect(Set(depth.metrics.values.map(\.key)) == Set(expected.keys))
        for (key, value) in depth.metrics.values {
          #expect(abs(value - expected[key]!) < 1e-9, "\(key) at \(depth.depth), weight \(weight)")
        }
      }
    }
  }

  @Test("scores each pair once, whichever depths and directions ask for it")
  func once() async throws {
    let set = TinySet(pictures: 10)
    var scored = 0
    let report = try #require(
      try await set.evaluate(depths: [2, 4, 100]) {
        if case .pairs(let done, _) = $0 { scored = done }
      })
    #expect(scored == 300 && report.scored == 300 && report.scoredBefore == 0)
    #expect(report.depths.last?.pairs == 300)
    let again = try #require(try await set.evaluate(depths: [1, 5], weight: 3))
    #expect(again.scored == 0)
  }

  @Test("resumes where it was stopped or where a record was cut off, with the same result")
  func resumed() async throws {
    let whole = try #require(try await TinySet(pictures: 12).evaluate(depths: [0, 5]))
    let set = TinySet(pictures: 12)
    #expect(try await set.evaluate(depths: [0, 5], stopAfter: 8) == nil)
    let work = set.folder.path + "/work"
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: work).first { $0.hasSuffix(".journal") })
    let journal = URL(filePath: "\(work)/\(name)")
    let bytes = try Data(contentsOf: journal)
    #expect(bytes.count > 40)
    try bytes.dropLast(5).write(to: journal)
    let report = try #require(try await set.evaluate(depths: [0, 5]))
    #expect(report.scored > 0 && report.scored + report.scoredBefore == whole.scored)
    #expect(report.depths.map(\.metrics) == whole.depths.map(\.metrics))

    // Bits that changed end what is believed of the file.
    var damaged = try Data(contentsOf: journal)
    damaged[60] ^= 1
    try damaged.write(to: journal)
    let mended = try #require(try await set.evaluate(depths: [0, 5]))
    #expect(mended.scored == whole.scored)
    #expect(mended.depths.map(\.metrics) == whole.depths.map(\.metrics))
    try Data(repeating: 7, count: 100).write(to: journal)
    await #expect(throws: PathError.self) { try await set.evaluate(depths: [0, 5]) }
  }

  @Test("needs every picture: in the folder, and in an index that is given")
  func missing() async throws {
    let set = TinySet(pictures: 5)
    let model = try tinyModel.get()
    let index = set.folder.path + "/index"
    _ = try await Indexer(model: model).run(
      IndexingRequest(
        collection: set.folder.path, index: index,
        options: IndexingOptions(features: .bf16, exclude: ["3.jpg"])), shouldStop: { false },
      report: { _ in })
    let evaluation = RetrievalEvaluation(
      of: try set.captionedSet(), in: try IndexStore.open(index), model: model, depths: [0],
      itcWeight: 1, work: try WorkFolder(set.folder.path + "/work"))
    let error = await #expect(throws: RetrievalError.self) {
      try await evaluation.run(shouldStop: { false }, report: { _ in })
    }
    #expect(error?.description.contains("3.jpg") == true)
    try FileManager.default.removeItem(atPath: set.folder.path + "/4.jpg")
    #expect(throws: CaptionError.self) { try set.captionedSet() }
  }

  @Test("uses the requested split of Karpathy's file, by default the test split")
  func splits() throws {
    let set = TinySet(pictures: 3)
    let records = (0..<3).map { number in
      """
      {"filename": "\(number).jpg", "split": "\(["train", "test", "val"][number])",
       "sentences": [{"raw": "a dog"}, {"raw": "a cat"}]}
      """
    }
    let file = set.folder.write(
      "k.json", Array("{\"images\": [\(records.joined(separator: ","))]}".utf8))
    func paths(_ split: String?) throws -> [String] {
      try CaptionedSet(captions: file, images: set.folder.path, split: split).pictures
        .map { String(decoding: $0.path, as: UTF8.self) }
    }
    #expect(try paths(nil) == ["1.jpg"] && paths("val") == ["2.jpg"])
    #expect(throws: CaptionError.self) { try paths("restval") }
  }
}
