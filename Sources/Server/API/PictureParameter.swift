internal import HTTPTypes
internal import Retrieval

/// The picture that a request is about: `picture`, an id of the index, or `upload`, a token.
enum PictureParameter {
  static let names: Set<String> = ["picture", "upload"]

  static func source(
    _ parameters: QueryParameters, _ service: PictureService
  ) throws(Problem) -> PictureSource {
    switch (parameters.text("picture"), parameters.text("upload")) {
    case (let id?, nil): return .indexed(try SearchRequest.pictureID(id, "picture"))
    case (nil, let token?): return try service.uploaded(token)
    default: throw Problem(.badRequest, "give picture, the id of a picture, or upload, a token")
    }
  }
}
