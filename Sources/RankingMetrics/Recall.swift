/// The share of queries, in percent, whose best answer is among the first `k`.
/// - Parameter ranks: Where each query's best answer stands, from 0.
public func recall(at k: Int, ofRanks ranks: some Collection<Int>) -> Double {
  100 * Double(ranks.count { $0 < k }) / Double(ranks.count)
}

/// Recall in percent under the names of BLIP's own evaluation: `txt` for image → text, `img` for text
/// → image.
public struct RetrievalMetrics: Sendable, Equatable {
  /// The names and values, in BLIP's order.
  public let values: [(key: String, value: Double)]

  /// - Parameters:
  ///   - pictures: The ranks, from 0, of every picture's best answer among the texts.
  ///   - texts: Those of every text's best answer among the pictures.
  public init(ofPictures pictures: [Int], ofTexts texts: [Int]) {
    func recalls(_ ranks: [Int]) -> [Double] {
      let recalls = [1, 5, 10].map { recall(at: $0, ofRanks: ranks) }
      return recalls + [recalls.reduce(0, +) / 3]
    }
    let (toText, toImage) = (recalls(pictures), recalls(texts))
    let names = ["r1", "r5", "r10", "r_mean"]
    values =
      zip(names, toText).map { (key: "txt_\($0)", value: $1) }
      + zip(names, toImage).map { (key: "img_\($0)", value: $1) }
      + [(key: "r_mean", value: (toText[3] + toImage[3]) / 2)]
  }

  /// The value of a name.
  public subscript(key: String) -> Double {
    guard let found = values.first(where: { $0.key == key }) else {
      preconditionFailure("no metric \(key)")
    }
    return found.value
  }

  /// Whether all values are the same.
  public static func == (a: Self, b: Self) -> Bool { a.values.elementsEqual(b.values, by: ==) }
}
