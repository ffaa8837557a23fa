import BLIP
import Captions
import Checkpoints
import Evaluation
import Foundation
import Images
import Retrieval
import Store
import TestSupport

/// A tiny BLIP with random weights.
let tinyModel = Result { try BLIPModel(folder: ModelFolder(path: TinyModel.retrieval.path)) }

/// Pictures and captions drawn by a seeded generator, and a folder of work.
struct TinySet {
  let folder = TemporaryFolder()
  let captions: [[String]]
  var file: String { folder.path + "/captions.json" }

  private static let words = [
    "dog", "red", "beach", "two", "runs", "woman", "snow", "ball", "under", "bicycle", "green",
  ]

  init(pictures count: Int, captions each: Int = 3) {
    var random = SplitMix64(seed: 11)
    captions = (0..<count).map { _ in
      (0..<each).map { _ in
        (0..<Int.random(in: 3...8, using: &random)).map { _ in
          Self.words.randomElement(using: &random)!
        }.joined(separator: " ")
      }
    }
    for number in 0..<count {
      let pixels = (0..<32 * 24 * 3).map { place in
        UInt8.random(in: 0...60, using: &random)
          &+ UInt8(truncatingIfNeeded: number * 37 + place % 3)
      }
      folder.write(
        "\(number).jpg", Picture(width: 32, height: 24, pixels: pixels).jpeg(quality: 95))
    }
    let records = captions.enumerated().map { number, captions in
      "{\"image\": \"\(number).jpg\", \"caption\": [\(captions.map { "\"\($0)\"" }.joined(separator: ","))]}"
    }
    folder.write("captions.json", Array("[\(records.joined(separator: ","))]".utf8))
  }

  func captionedSet() throws -> CaptionedSet {
    try CaptionedSet(captions: file, images: folder.path, split: nil)
  }

  /// The report of an evaluation; nil where it was stopped by the `questions`-th question.
  func evaluate(
    depths: [Int], weight: Float = 1, stopAfter questions: Int = .max,
    report: (EvaluationEvent) -> Void = { _ in }
  ) async throws -> RetrievalReport? {
    let (model, set) = (try tinyModel.get(), try captionedSet())
    let work = try WorkFolder(folder.path + "/work")
    let request = work.indexing(set, with: model)
    _ = try await Indexer(model: model).run(request, shouldStop: { false }, report: { _ in })
    let asked = Counter()
    return try await RetrievalEvaluation(
      of: set, in: IndexStore.open(request.index), model: model, depths: depths, itcWeight: weight,
      work: work
    ).run(shouldStop: { asked.next() > questions }, report: report)
  }
}

/// Counts from 1, from any thread.
final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0

  func next() -> Int {
    lock.withLock {
      count += 1
      return count
    }
  }
}
