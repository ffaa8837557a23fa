internal import Files
internal import Store

/// How an index is searched.
public struct SearchOptions: Sendable, Equatable {
  /// The number of results.
  public var count: Int
  /// How many candidates are reranked by ITM. Nil: the model's own depth or, if it has none, 32 where
  /// patch features are stored and 0 where every candidate would have to be encoded again.
  public var rerankDepth: Int?
  /// The lowest probability of a result, 0 to 1. For a model without calibration it is ITM's of a match,
  /// which turns reranking on.
  public var minimumMatch: Float?
  /// How long reranking may take, from the call on: as many candidates are reranked as fit, at least
  /// one, at most `rerankDepth` or 256.
  public var budget: Duration?
  /// Whether the query is compared with every vector, even if the index is divided into lists.
  public var isExact: Bool
  /// How many lists of a large index are searched. Nil: as many as its target recall needs.
  public var nprobe: Int?
  /// Which pictures are searched.
  public var filter: PictureFilter
  /// Whether words that the index knows of pictures (captions, names, keywords) count beside what they show.
  public var usesWords = true

  /// Whether near-identical pictures are one hit, the best of them (`PictureHit.alike`).
  public var collapsesAlike: Bool

  /// The defaults, except for what is given.
  public init(
    count: Int = 10, rerankDepth: Int? = nil, minimumMatch: Float? = nil, budget: Duration? = nil,
    isExact: Bool = false, nprobe: Int? = nil, filter: PictureFilter = PictureFilter(),
    collapsesAlike: Bool = true
  ) {
    self.count = count
    self.rerankDepth = rerankDepth
    self.minimumMatch = minimumMatch
    self.budget = budget
    self.isExact = isExact
    self.nprobe = nprobe
    self.filter = filter
    self.collapsesAlike = collapsesAlike
  }
}

extension SearchOptions {
  /// Throws where an option is given that such a search does not have.
  func require(_ isAllowed: Bool, _ option: String, by search: String) throws(RetrievalError) {
    guard isAllowed else {
      throw RetrievalError(.invalidOption, "\(option) does not apply to \(search)")
    }
  }

  /// Throws where the options are not those of a search by picture.
  func requireForPictures() throws(RetrievalError) {
    let search = "a search by picture, which compares by cosine alone"
    try require(rerankDepth ?? 0 == 0, "a rerank depth", by: search)
    try require(minimumMatch == nil, "a lowest match probability", by: search)
    try require(budget == nil, "a time for reranking", by: search)
  }

  /// Throws where the options are not those of a search for texts.
  func requireForTexts() throws(RetrievalError) {
    let search = "a search for texts"
    try require(filter == PictureFilter(), "a filter", by: search)
    try require(budget == nil, "a time for reranking", by: search)
  }
}
