package import BLIP
import Checkpoints
import Images
import Store
import Tensors
internal import VectorIndex

/// Scores of given texts for a picture, without an index; the likeliest first.
package func match(
  pictureAt path: String, texts: [TextQuery], model: BLIPModel
) throws -> [TextHit] {
  guard !texts.isEmpty else {
    throw RetrievalError(.emptyQuery, "no texts to match; give one or more")
  }
  let tokens = texts.map(\.tokens)
  let picture = try encode(pictureAt: path, decoder: ImageDecoder(), model: model)
  let embeddings = try model.embed(texts: tokens)
  let matches = try model.match(texts: tokens, features: picture.features)
  let ranking = HitRanking.texts(model.folder.configuration)
  let candidates = zip(embeddings, matches).enumerated().map { index, pair in
    let cosine = dot(pair.0, picture.embedding)
    var candidate = RankedCandidate(Neighbor(id: UInt64(index), score: Double(cosine)), ranking)
    candidate.take(pair.1)
    return candidate
  }
  return ranked(candidates).map {
    TextHit(
      id: nil, text: texts[Int($0.id)].text, path: nil, pathBytes: nil,
      otherPathBytes: [], isGenerated: false, cosine: $0.cosine,
      probability: $0.probability, matchLogit: $0.match?.match,
      matchProbability: $0.match?.probability)
  }
}

/// A picture file's embedding and, if asked for, patch features.
func encode(
  pictureAt path: String, decoder: ImageDecoder, model: BLIPModel, keepsFeatures: Bool = true
) throws -> ImageEncoding {
  let side = model.folder.preprocessing.imageSize
  return try model.encode(
    readPicture(at: path, decoder: decoder, side: side), keepsFeatures: keepsFeatures)
}
