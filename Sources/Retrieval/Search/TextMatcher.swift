public import BLIP
import Checkpoints
public import Images
public import Store
import Tensors
internal import VectorIndex

/// Says how likely texts describe a picture, without an index.
///
/// ```swift
/// let matcher = try await TextMatcher()
/// let best = try await matcher.match("holiday.jpg", texts: ["a beach", "a mountain"]).first
/// ```
public struct TextMatcher: Sendable {
  let model: BLIPModel
  let decoder: any PictureDecoder

  /// Loads a model.
  ///
  /// Parameters and errors are those of ``PictureCaptioner/init(model:precision:settings:cache:decoder:)``.
  public init(
    model: String? = nil, precision: Precision = .auto, cache: String? = nil,
    decoder: any PictureDecoder = ImageDecoder()
  ) async throws(RetrievalError) {
    self.model = try await loadModel(model, precision: precision, cache: cache)
    self.decoder = decoder
  }

  /// A text as the model reads it, with what the user should know of that.
  public func query(_ text: String) throws(RetrievalError) -> TextQuery {
    try TextQuery(text, model: model)
  }

  /// How likely each of these texts describes a picture, the likeliest first.
  public func match(
    _ picture: PictureSource, texts: [String]
  ) async throws(RetrievalError) -> [TextHit] {
    var queries: [TextQuery] = []
    for text in texts { queries.append(try query(text)) }
    return try await match(picture, queries)
  }

  /// The same of texts that ``query(_:)`` has tokenised.
  public func match(
    _ picture: PictureSource, _ queries: [TextQuery]
  ) async throws(RetrievalError) -> [TextHit] {
    try await blocking { () throws(RetrievalError) in
      try asRetrievalError {
        try Retrieval.match(
          encode(picture, decoder: decoder, model: model), texts: queries, model: model)
      }
    }
  }
}

/// Scores of given texts for a picture; the likeliest first.
func match(
  _ picture: ImageEncoding, texts: [TextQuery], model: BLIPModel
) throws -> [TextHit] {
  guard !texts.isEmpty else {
    throw RetrievalError(.emptyQuery, "no texts to match; give one or more")
  }
  let tokens = texts.map(\.tokens)
  return ranked(try matched(tokens, with: picture, by: model)).map {
    TextHit(
      id: nil, text: texts[Int($0.id)].text, path: nil, pathBytes: nil,
      otherPathBytes: [], isGenerated: false, cosine: $0.cosine,
      probability: $0.probability, matchLogit: $0.match?.match,
      matchProbability: $0.match?.probability)
  }
}

/// How near texts (`[CLS] … [SEP]`) are to a picture, in their order; their ids are their places.
func matched(
  _ texts: [[Int32]], with picture: ImageEncoding, by model: BLIPModel
) throws -> [RankedCandidate] {
  let embeddings = try model.embed(texts: texts)
  let matches = try model.match(texts: texts, features: picture.features)
  let ranking = HitRanking.texts(model.folder.configuration)
  return zip(embeddings, matches).enumerated().map { index, pair in
    let cosine = dot(pair.0, picture.embedding)
    var candidate = RankedCandidate(Neighbor(id: UInt64(index), score: Double(cosine)), ranking)
    candidate.take(pair.1)
    return candidate
  }
}
