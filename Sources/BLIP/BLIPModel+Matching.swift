internal import Checkpoints
public import Tensors

extension BLIPModel {
  /// ITM of one text ([CLS] replaced by [ENC] here) against several pictures' features.
  public func match(text: [Int32], features: [Matrix]) throws -> [MatchLogits] {
    try logits(
      texts: [groundedTokens(text)], pictures: features,
      pairs: features.indices.map { Grounding.Pair(text: 0, picture: $0) })
  }

  /// ITM of several texts ([CLS] replaced by [ENC] here) against one picture.
  public func match(texts: [[Int32]], features: Matrix) throws -> [MatchLogits] {
    try logits(
      texts: texts.map(groundedTokens), pictures: [features],
      pairs: texts.indices.map { Grounding.Pair(text: $0, picture: 0) })
  }

  /// [CLS] replaced by [ENC], as in BLIP's evaluation.
  func groundedTokens(_ text: [Int32]) -> [Int32] {
    text.prefix(1).map { _ in folder.configuration.text.encoderToken } + text.dropFirst()
  }

  /// ITM of the given pairs, with token ids as they are; the texts of one picture, or the pictures of
  /// one text, run together.
  func logits(
    texts: [[Int32]], pictures: [Matrix], pairs: [Grounding.Pair],
    order: BERTAttention.Order? = nil, observe: Observer? = nil
  ) throws -> [MatchLogits] {
    try texts.forEach(check)
    let width = folder.configuration.text.encoderHiddenSize
    if let picture = pictures.first(where: { $0.columns != width || $0.rows == 0 }) {
      throw BLIPError(
        "\(folder.path): patch features of \(picture.rows)×\(picture.columns), but the model has a "
          + "width of \(width); they may come from another model")
    }
    let (encoder, head) = (try textEncoder(), try matchHead())
    return try textActivations.lend { activations in
      var logits: [MatchLogits] = []
      for range in chunks(pairs.map { texts[$0.text].count }, pictures: pairs.map(\.picture)) {
        let grounding = Grounding(
          attention: head.attention, texts: texts, pictures: pictures, pairs: pairs[range],
          order: order)
        let rows = try encoder(
          grounding.texts, grounding: grounding, &activations, observe: observe)
        logits += head.logits(of: rows)
      }
      return logits
    }
  }
}
