internal import Store

extension PictureIndex {
  /// The pictures that a text describes, the best first.
  ///
  /// Candidates come by ITC cosine; the best of them are reranked by ITM. Hits are ordered by
  /// `PictureHit.probability` or, where the model was not calibrated, by match logit and cosine, ahead of
  /// those that were not reranked.
  /// - Throws: `RetrievalError`.
  public func search(
    text: String, options: SearchOptions = SearchOptions()
  ) async throws -> [PictureHit] {
    try await search(QueryExpression(.text(text)), options: options)
  }

  /// The pictures that look like a picture file, by cosine; one that the index holds finds itself first.
  /// - Throws: `RetrievalError`; its code is `unreadablePicture` where the file cannot be read.
  public func search(
    picture: String, options: SearchOptions = SearchOptions()
  ) async throws -> [PictureHit] {
    try await search(QueryExpression(.picture(PictureSource(picture))), options: options)
  }

  /// The pictures that a query of several texts and pictures describes, the best first.
  /// - Throws: `RetrievalError`.
  public func search(
    _ expression: QueryExpression, options: SearchOptions = SearchOptions()
  ) async throws -> [PictureHit] {
    try await read { searcher in
      try searcher.search(PictureQuery(expression, model: searcher.model), options)
    }
  }

  /// The pictures that a query describes which ``query(_:)`` has tokenised.
  public func search(
    _ query: PictureQuery, options: SearchOptions = SearchOptions()
  ) async throws -> [PictureHit] {
    try await read { searcher in try searcher.search(query, options) }
  }

  /// How many candidates a search takes through ITM; 0 where their order is that of the first stage.
  public func rerankDepth(
    for query: PictureQuery, options: SearchOptions = SearchOptions()
  ) async throws -> Int {
    try await read { searcher in searcher.rerankDepth(for: query, options) }
  }

  /// A query as the model of this index reads it, with what the user should know of that.
  public func query(_ expression: QueryExpression) async throws -> PictureQuery {
    try await read { searcher in try PictureQuery(expression, model: searcher.model) }
  }

  /// The first condition of a filter that none of the index's pictures is left by, and how many were left
  /// before it; nil where pictures pass.
  public func emptyingCondition(
    of filter: PictureFilter
  ) async throws -> (condition: PictureFilter.Condition, pictures: Int)? {
    try await shared.read { store in
      try store.read { try filter.selection(in: $0).emptied }.map { ($0.by, $0.of) }
    }
  }

  /// The texts of the index that describe a picture file, the best first.
  /// - Throws: `RetrievalError`; its code is `noTexts` where the index holds none.
  public func match(
    picture: String, options: SearchOptions = SearchOptions()
  ) async throws -> [TextHit] {
    try await match(PictureSource(picture), options: options)
  }

  /// The same of a picture that need not be a file.
  public func match(
    _ picture: PictureSource, options: SearchOptions = SearchOptions()
  ) async throws -> [TextHit] {
    try await read { searcher in try searcher.match(picture, options) }
  }

  /// How likely each of these texts describes a picture file, the likeliest first.
  public func match(picture: String, texts: [String]) async throws -> [TextHit] {
    try await match(PictureSource(picture), texts: texts)
  }

  /// The same of a picture that need not be a file.
  public func match(_ picture: PictureSource, texts: [String]) async throws -> [TextHit] {
    try await read { searcher in try searcher.match(picture, texts: texts) }
  }

  /// The texts that the index holds of a picture, in the order they were given.
  /// - Parameter picture: The picture's number, as a hit tells it.
  public func captions(of picture: UInt64) async throws -> [String] {
    try await shared.read { store in
      try store.read { try $0.texts(of: picture).map(\.text) }
    }
  }

  func read<Result: Sendable>(
    _ body: @escaping @Sendable (Searcher) throws -> Result
  ) async throws(RetrievalError) -> Result {
    try await shared.read { store in
      try body(Searcher(store, model: self.model(of: store.metadata), decoder: self.decoder))
    }
  }
}
