internal import Checkpoints
public import Tensors

/// What each word of a text attends to in a picture where the model says how well they match.
public struct TextExplanation: Sendable, Equatable {
  /// What one word attends to.
  public struct Word: Sendable, Equatable {
    /// As it stands in the text.
    public let text: String
    /// Where it stands there: offsets in UTF-16.
    public let range: Range<Int>
    /// The patches from the upper left one on, row by row; the greatest is 1, unless all are 0.
    public let weights: [Float]
    /// The greatest weight before that scaling, relative to that of the text's strongest word: 0 to 1.
    public let strength: Float
  }

  /// The ITM head's output.
  public let logits: MatchLogits
  /// Rows and columns of patches.
  public let rows, columns: Int
  /// The words that the model reads, in the order of the text, stop words among them.
  public let words: [Word]
}

extension BLIPModel {
  /// Which patches of a picture each word of a text attends to in ITM: the cross-attention, by Grad-CAM or
  /// alone, the mean over heads and over the word's tokens. What the words give to the [CLS] patch feature is left
  /// out.
  ///
  /// The backward pass unpacks the weights that it passes for as long as it takes, and keeps nothing.
  /// - Parameters:
  ///   - features: Those of one picture, `[1 + P, D]`.
  ///   - method: How a map is made.
  public func explain(
    text: String, features: Matrix, method: ExplanationMethod = ExplanationMethod()
  ) throws -> TextExplanation {
    let tokens = tokens(of: text)
    let maps = try crossAttentionMaps(of: tokens, features: features, method: method)
    let side = patchesPerSide
    let words = words(of: text, as: tokens)
    let weights = words.map { word in
      (1...side * side).map { patch in
        word.tokens.reduce(0) { $0 + maps.tokens.values[$1 * features.rows + patch] }
          / Float(word.tokens.count)
      }
    }
    let greatest = weights.map { $0.max() ?? 0 }
    let strongest = greatest.max() ?? 0
    return TextExplanation(
      logits: maps.logits, rows: side, columns: side,
      words: words.indices.map { index in
        let (most, word) = (greatest[index], words[index])
        return TextExplanation.Word(
          text: word.text, range: word.range,
          weights: most > 0 ? weights[index].map { $0 / most } : weights[index],
          strength: strongest > 0 ? most / strongest : 0)
      })
  }

  /// - Parameter tokens: `[CLS] … [SEP]`
  func crossAttentionMaps(
    of tokens: [Int32], features: Matrix, method: ExplanationMethod
  ) throws -> CrossAttentionMaps {
    try check(tokens)
    let configuration = folder.configuration.text
    let rows = 1 + patchesPerSide * patchesPerSide
    guard features.rows == rows, features.columns == configuration.encoderHiddenSize else {
      throw BLIPError(
        "\(folder.path): patch features of \(features.rows)×\(features.columns), but the model has "
          + "\(rows)×\(configuration.encoderHiddenSize); they may come from another model")
    }
    let (layers, weighting) = try method.resolved(for: folder.configuration, folder.path)
    let pass = ExplainingPass(
      encoder: try textEncoder(), head: try matchHead(), configuration: configuration)
    return try pass.maps(
      of: groundedTokens(tokens), over: features, layers: layers, weighting)
  }

  /// Patches in a row, and in a column.
  private var patchesPerSide: Int {
    folder.configuration.vision.imageSize / folder.configuration.vision.patchSize
  }
}
