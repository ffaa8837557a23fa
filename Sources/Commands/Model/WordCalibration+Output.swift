import Checkpoints
import Evaluation
import Retrieval

extension WordCalibration {
  /// What words count for hits of a kind, such as "sentences".
  func facts(_ name: String) -> [(name: String, value: String)] {
    [
      ("\(name), reranked, with words", reranked.formula),
      ("\(name), by cosine, with words", unreranked.formula),
    ]
  }

  var json: JSONOutput {
    .object([("reranked", reranked.json), ("by_cosine", unreranked.json)])
  }
}

extension ModelConfiguration {
  /// What words count in a search, for people.
  var wordFacts: [(name: String, value: String)] {
    func fact(_ name: String, _ kind: HitCalibration.Kind?, _ usual: WordCalibration) -> (
      name: String, value: String
    ) {
      let words = kind?.words
      return (
        "words in \(name)",
        (words ?? usual).reranked.formula + (words == nil ? " (not measured: the usual)" : "")
      )
    }
    guard let calibration else { return [] }
    return [
      fact("sentences", calibration.sentences, .sentences),
      fact("phrases", calibration.phrases, .phrases),
    ]
  }
}

extension WordCalibration.Weights {
  /// The scores in the terms of a person who reads them, in the order of the sum.
  fileprivate var formula: String {
    let terms: [(weight: Float, name: String)] = [
      (scale, "log-odds of the picture"), (caption, "cosine of the nearest caption"),
      (coverage, "share of the words found"), (rarest, "rarity of the rarest one"),
      (complete, "all words found (1 or 0)"), (score, "BM25F"),
    ]
    let sum = terms.filter { $0.weight > 0 }.map { "\(fixed(Double($0.weight), 3)) × \($0.name)" }
    let bias = fixed(abs(Double(bias)), 3)
    return "log-odds = " + sum.joined(separator: " + ")
      + (self.bias < 0 ? " − \(bias)" : " + \(bias)")
  }

  fileprivate var json: JSONOutput {
    .object([
      ("scale", .float(scale)), ("caption", .float(caption)), ("coverage", .float(coverage)),
      ("rarest", .float(rarest)), ("complete", .float(complete)), ("score", .float(score)),
      ("bias", .float(bias)),
    ])
  }
}

extension WordCalibrationReport {
  /// How often words help, and how good the probabilities are.
  var table: String {
    func share(_ share: Double) -> String { fixed(100 * share, 1) }
    let recalls = recalls.map { [$0.name, share($0.at1), share($0.at5), share($0.at10)] }
    let qualities = qualities.map { [$0.name, "\($0.queries)", "\(share($0.error)) %"] }
    return
      Table.aligned(
        [["captions find their picture by", "R@1", "R@5", "R@10"]] + recalls,
        rightAligned: Set(1..<4)) + "\n"
      + Table.aligned(
        [["with words", "queries", "error of the first 10"]] + qualities,
        rightAligned: Set(1..<3))
  }

  var json: JSONOutput {
    .object([
      (
        "recall",
        .array(
          recalls.map {
            .object([
              ("name", .string($0.name)), ("r1", .float(Float($0.at1))),
              ("r5", .float(Float($0.at5))), ("r10", .float(Float($0.at10))),
            ])
          })
      ),
      (
        "measured",
        .array(
          qualities.map {
            .object([
              ("name", .string($0.name)), ("queries", .integer($0.queries)),
              ("expected_calibration_error_of_first_ten", .float(Float($0.error))),
            ])
          })
      ),
    ])
  }
}
