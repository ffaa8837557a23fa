internal import Checkpoints
internal import Tensors
internal import Tokenization

extension BLIPModel {
  /// Token ids `[CLS] … [SEP]` of a text (cleaned, at most 35).
  public func tokens(of text: String) -> [Int32] {
    tokenizer.encode(cleanCaption(text), maximumLength: 35)
  }

  /// ITC embeddings of texts of any lengths, each without padding.
  public func embed(texts: [[Int32]]) throws -> [[Float]] {
    try embed(texts: texts, observe: nil)
  }

  func embed(texts: [[Int32]], observe: Observer?) throws -> [[Float]] {
    try texts.forEach(check)
    let encoder = try textEncoder()
    return try textActivations.lend { activations in
      var embeddings: [[Float]] = []
      for range in chunks(texts.map(\.count)) {
        let rows = try encoder(Array(texts[range]), &activations, observe: observe)
        embeddings += encoder.embeddings(of: rows)
      }
      return embeddings
    }
  }

  /// Throws for tokens that the model has no embedding for.
  func check(_ text: [Int32]) throws(BLIPError) {
    let configuration = folder.configuration.text
    guard 1...configuration.maximumPositions ~= text.count else {
      throw BLIPError(
        "\(folder.path): a text of \(text.count) tokens; the model takes 1 to "
          + "\(configuration.maximumPositions)")
    }
    if let id = text.first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
      throw BLIPError(
        "\(folder.path): token \(id) is not in the model's vocabulary of "
          + "\(configuration.vocabularySize)")
    }
  }
}

/// Splits a batch of texts of the given lengths, and the pictures they attend to if any, so that the
/// rows run together fit the caches, and memory is bounded.
func chunks(_ lengths: [Int], pictures: [Int] = []) -> [Range<Int>] {
  let (mostRows, mostPictures) = (1024, 16)
  var chunks: [Range<Int>] = []
  var (start, rows, seen) = (0, 0, Set<Int>())
  for (index, length) in lengths.enumerated() {
    if !pictures.isEmpty { seen.insert(pictures[index]) }
    if (rows + length > mostRows || seen.count > mostPictures) && index > start {
      chunks.append(start..<index)
      (start, rows) = (index, 0)
      seen = pictures.isEmpty ? [] : [pictures[index]]
    }
    rows += length
  }
  if start < lengths.count { chunks.append(start..<lengths.count) }
  return chunks
}
