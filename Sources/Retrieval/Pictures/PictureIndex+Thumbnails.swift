internal import Digests
internal import Images
internal import Store

/// The small versions of a picture that are made.
public enum ThumbnailSize: Int, Sendable, CaseIterable {
  /// For a page of many pictures.
  case small = 320
  /// For a picture that is shown large.
  case large = 1280
}

extension PictureIndex {
  /// How well a thumbnail is encoded, 0 to 100.
  private static let quality: Float = 80

  /// A picture of the index, upright and scaled down, as a WebP file; it is kept in the index directory.
  /// - Parameters:
  ///   - id: The picture's number in the index.
  ///   - size: The longest side, at most.
  /// - Throws: `RetrievalError` with the code `noSuchPicture` or `unreadablePicture`.
  public func thumbnail(of id: UInt64, _ size: ThumbnailSize) async throws -> [UInt8] {
    let name = try await thumbnailName(id, size)
    if let stored = thumbnails.read(name) { return stored }
    let picture = try await decodedPicture(id, side: size.rawValue)
    return try await shared.read { [thumbnails] _ in
      let encoded = picture.fitted(to: size.rawValue).webP(quality: Self.quality)
      thumbnails.store(encoded, as: name)
      return encoded
    }
  }

  /// A thumbnail that was made before; nil where it has to be made.
  public func storedThumbnail(of id: UInt64, _ size: ThumbnailSize) async throws -> [UInt8]? {
    thumbnails.read(try await thumbnailName(id, size))
  }

  private func thumbnailName(_ id: UInt64, _ size: ThumbnailSize) async throws -> String {
    let hash = try await contentHash(of: id)
    return "\(hexadecimal(Array(hash.prefix(16))))-\(size.rawValue).webp"
  }

  /// The SHA-256 of a picture's file when it was indexed, in hexadecimal digits.
  public func contentDigest(of id: UInt64) async throws -> String {
    hexadecimal(try await contentHash(of: id))
  }

  private func contentHash(of id: UInt64) async throws -> [UInt8] {
    try await shared.read { store in
      guard let record = try store.read({ try $0.picture(id) }) else {
        throw RetrievalError.noPicture(id, in: store.path)
      }
      return record.contentHash
    }
  }
}
