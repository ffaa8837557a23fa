internal import BLIP
internal import Checkpoints
internal import Files
public import Images
public import Store
internal import Tensors

extension PictureDecoder {
  /// Reads and decodes a picture, upright and over white; an error names it.
  /// - Parameter side: It will be resized to side × side, so that a large JPEG may be decoded at a reduced
  ///   scale; nil: in full.
  public func picture(
    _ source: PictureSource, forSide side: Int?
  ) throws(RetrievalError) -> Picture {
    try asRetrievalError(.unreadablePicture) {
      switch source {
      case .file(let path): return try picture(at: path, forSide: side)
      case .contents(let bytes, let name):
        guard bytes.count <= maximumBytes else {
          throw PathError(name, "larger than \(maximumBytes >> 20) MiB")
        }
        do { return try decode(bytes, forSide: side).picture } catch {
          throw PathError(name, "\(error)")
        }
      case .decoded(let picture, _): return picture
      case .indexed(let id):
        throw RetrievalError(.invalidQuery, "picture \(id) can be asked of its index only")
      }
    }
  }
}

/// A picture's embedding and, if asked for, patch features.
func encode(
  _ source: PictureSource, decoder: any PictureDecoder, model: BLIPModel, keepsFeatures: Bool = true
) throws -> ImageEncoding {
  let picture = try decoder.picture(source, forSide: model.folder.preprocessing.imageSize)
  return try model.encode(picture, keepsFeatures: keepsFeatures)
}
