import BLIP
import Images

@testable import Retrieval

extension Searcher {
  func search(
    text: String, count: Int, rerankDepth: Int?, minimumMatch: Float?
  ) throws -> [PictureHit] {
    try search(
      PictureQuery(QueryExpression(.text(text)), model: model),
      SearchOptions(count: count, rerankDepth: rerankDepth, minimumMatch: minimumMatch))
  }

  func search(pictureAt path: String, count: Int) throws -> [PictureHit] {
    try search(
      PictureQuery(QueryExpression(.picture(PictureSource(path))), model: model),
      SearchOptions(count: count))
  }

  func match(
    pictureAt path: String, count: Int, rerankDepth: Int?, minimumMatch: Float?
  ) throws -> [TextHit] {
    try match(
      PictureSource(path),
      SearchOptions(count: count, rerankDepth: rerankDepth, minimumMatch: minimumMatch))
  }
}

/// Given texts for a picture, without an index.
func match(pictureAt path: String, texts: [String], model: BLIPModel) throws -> [TextHit] {
  try match(
    encode(PictureSource(path), decoder: ImageDecoder(), model: model),
    texts: texts.map { try TextQuery($0, model: model) }, model: model)
}
