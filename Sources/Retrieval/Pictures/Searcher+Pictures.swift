internal import BLIP
internal import Checkpoints
internal import Store
internal import Tensors

extension Searcher {
  /// The embedding of a picture: of one that the index holds, as it is stored.
  func embedding(of picture: PictureSource) throws -> [Float] {
    guard case .indexed(let id) = picture else {
      return try encode(picture, decoder: decoder, model: model, keepsFeatures: false).embedding
    }
    return try store.read { try storedEmbedding(id, in: $0) }
  }

  /// The embedding and the patch features of a picture: of one that the index holds, as they are stored.
  func encoding(of picture: PictureSource) throws -> ImageEncoding {
    guard case .indexed(let id) = picture else {
      return try encode(picture, decoder: decoder, model: model)
    }
    return try store.read { snapshot in
      let embedding = try storedEmbedding(id, in: snapshot)
      if let features = try snapshot.features(picture: id) {
        return ImageEncoding(features: features, embedding: embedding)
      }
      guard let record = try snapshot.picture(id) else {
        throw RetrievalError.noPicture(id, in: store.path)
      }
      return try encode(.file(location(of: record)), decoder: decoder, model: model)
    }
  }

  private func storedEmbedding(
    _ id: UInt64, in snapshot: borrowing IndexSnapshot
  ) throws -> [Float] {
    guard let embedding = try snapshot.embedding(picture: id) else {
      throw RetrievalError.noPicture(id, in: store.path)
    }
    return embedding
  }
}

extension RetrievalError {
  static func noPicture(_ id: UInt64, in index: String) -> RetrievalError {
    RetrievalError(.noSuchPicture, "\(index): the index holds no picture \(id)")
  }
}
