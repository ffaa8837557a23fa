import BLIP
internal import TextIndex

/// Why a text matched a picture: how well, and what each of its words attends to in the picture.
public struct MatchExplanation: Sendable, Equatable {
  /// A word, and how much it attends to each part of the picture.
  public struct Word: Sendable, Equatable {
    /// As it stands in the text.
    public let text: String
    /// Where it stands there: offsets in UTF-16.
    public let range: Range<Int>
    /// Whether it says nothing of a picture, such as "the" or "of".
    public let isStopWord: Bool
    /// 0 to 1 for each cell of the picture, from the upper left one on, row by row; the greatest is 1,
    /// unless all are 0.
    public let weights: [Float]
    /// How strongly it attends to that cell, relative to the text's strongest word: 0 to 1.
    public let strength: Float
  }

  /// The text, as it was given.
  public let text: String
  /// How likely the text describes the picture, as `TextHit.probability`; nil where the model is not
  /// calibrated.
  public let probability: Float?
  /// ITM's probability of a match.
  public let matchProbability: Float
  /// ITM's match logit.
  public let matchLogit: Float
  /// ITC cosine.
  public let cosine: Float
  /// Rows and columns of cells, which divide the upright picture evenly.
  public let rows, columns: Int
  /// The words that the model reads, in the order of the text.
  public let words: [Word]
}

extension MatchExplanation.Word {
  init(_ word: TextExplanation.Word) {
    self.init(
      text: word.text, range: word.range, isStopWord: TextIndex.isStopWord(word.text),
      weights: word.weights, strength: word.strength)
  }

  /// The row and column of the greatest weight; of several, the first.
  /// - Parameter columns: Those of the explanation.
  public func peak(columns: Int) -> (row: Int, column: Int) {
    let place = weights.indices.max {
      weights[$0] < weights[$1] || weights[$0] == weights[$1] && $0 > $1
    }
    return ((place ?? 0) / columns, (place ?? 0) % columns)
  }
}
