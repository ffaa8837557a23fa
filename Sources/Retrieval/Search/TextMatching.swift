package import BLIP
import Checkpoints
import Images
import Store
import Tensors
internal import VectorIndex

/// Cosine and match probability of given texts for a picture, without an index; the likeliest
/// match first.
/// - Parameter calibration: How match probabilities are calibrated.
package func match(
  pictureAt path: String, texts: [TextQuery], model: BLIPModel,
  calibration: MatchCalibration = .none
) throws -> [TextHit] {
  guard !texts.isEmpty else {
    throw RetrievalError(.emptyQuery, "no texts to match; give one or more")
  }
  let tokens = texts.map(\.tokens)
  let picture = try encode(pictureAt: path, decoder: ImageDecoder(), model: model)
  let embeddings = try model.embed(texts: tokens)
  let matches = try model.match(texts: tokens, features: picture.features)
  let candidates = zip(embeddings, matches).enumerated().map { index, pair in
    let cosine = dot(pair.0, picture.embedding)
    var candidate = RankedCandidate(Neighbor(id: UInt64(index), score: Double(cosine)))
    candidate.take(
      pair.1,
      RerankRule(itcWeight: model.folder.configuration.itcWeight, calibration: calibration))
    return candidate
  }
  return ranked(candidates).map {
    TextHit(
      id: nil, text: texts[Int($0.id)].text, path: nil, pathBytes: nil, cosine: $0.cosine,
      matchLogit: $0.match?.match,
      matchProbability: $0.probability)
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
