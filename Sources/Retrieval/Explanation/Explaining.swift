public import BLIP
internal import Store

extension TextMatcher {
  /// What each word of a text attends to in a picture.
  /// - Parameter method: How the words' maps are made.
  public func explain(
    _ picture: PictureSource, text: String, method: ExplanationMethod = ExplanationMethod()
  ) async throws(RetrievalError) -> MatchExplanation {
    try await explain(picture, try query(text), method: method)
  }

  /// The same of a text that ``query(_:)`` has tokenised.
  public func explain(
    _ picture: PictureSource, _ query: TextQuery, method: ExplanationMethod = ExplanationMethod()
  ) async throws(RetrievalError) -> MatchExplanation {
    try await blocking { () throws(RetrievalError) in
      try asRetrievalError {
        let encoding = try encode(picture, decoder: decoder, model: model)
        return try explanation(of: query, encoding, method, by: model)
      }
    }
  }
}

extension PictureIndex {
  /// What each word of a text attends to in a picture: of one that the index holds by the patch features that
  /// it stores, where it does.
  /// - Parameter method: How the words' maps are made.
  /// - Throws: `RetrievalError`; its code is `unreadablePicture` where there are neither features nor a file.
  public func explain(
    _ picture: PictureSource, text: String, method: ExplanationMethod = ExplanationMethod()
  ) async throws -> MatchExplanation {
    try await read { searcher in
      try explanation(
        of: TextQuery(text, model: searcher.model), searcher.encoding(of: picture), method,
        by: searcher.model)
    }
  }
}

/// The probability is computed as `blip match` does.
private func explanation(
  of query: TextQuery, _ picture: ImageEncoding, _ method: ExplanationMethod, by model: BLIPModel
) throws -> MatchExplanation {
  let match = try matched([query.tokens], with: picture, by: model)[0]
  let explanation = try model.explain(
    text: query.text, features: picture.features, method: method)
  let logits = match.match ?? explanation.logits
  return MatchExplanation(
    text: query.text, probability: match.probability, matchProbability: logits.probability,
    matchLogit: logits.match, cosine: match.cosine, rows: explanation.rows,
    columns: explanation.columns, words: explanation.words.map(MatchExplanation.Word.init))
}
