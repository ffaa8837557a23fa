public import Store

/// What an index contains, all at one moment.
public struct IndexStatistics: Sendable {
  /// Pictures.
  public let pictures: Int
  /// Texts.
  public let texts: Int
  /// How many of the texts a model generated.
  public let syntheticTexts: Int
  /// The vector index of the pictures.
  public let pictureVectors: VectorSummary
  /// The vector index of the texts.
  public let textVectors: VectorSummary
  /// Whether searches by text are corrected for hubs.
  public let isHubCorrected: Bool
  /// How many pictures show words; nil if text in pictures is not read.
  public let picturesWithText: Int?
  /// The size of every table.
  public let tables: [TableSize]
  /// The files that could not be indexed, by path.
  public let failures: [FailureRecord]

  init(_ snapshot: borrowing IndexSnapshot) throws {
    pictures = try snapshot.pictureCount()
    texts = try snapshot.textCount()
    syntheticTexts = try snapshot.syntheticTextCount()
    (pictureVectors, textVectors) = try snapshot.vectorSummaries()
    isHubCorrected = try snapshot.isHubCorrected()
    picturesWithText = try snapshot.readsText() ? snapshot.picturesWithText() : nil
    tables = try snapshot.tableSizes()
    var failures: [FailureRecord] = []
    try snapshot.forEachFailure { failures.append($0) }
    self.failures = failures.sorted { $0.path.lexicographicallyPrecedes($1.path) }
  }

  /// Bytes of the file used by the text index, per picture; nil if there are no pictures, or if the index
  /// has none yet.
  public var textBytesPerPicture: Int? {
    guard let terms = tables.first(where: { $0.name == "terms" }), terms.entries > 0, pictures > 0
    else { return nil }
    return terms.bytes / pictures
  }

  /// Bytes of the file used by embeddings and the vector index, per vector; nil without vectors.
  public var bytesPerVector: Int? {
    let names = ["embeddings", "text_embeddings", "lists", "centroids", "places"]
    let bytes = tables.filter { names.contains($0.name) }.reduce(0) { $0 + $1.bytes }
    let count = pictureVectors.vectors + textVectors.vectors
    return count > 0 ? bytes / count : nil
  }
}
