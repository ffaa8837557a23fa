internal import BLIP
internal import Files
internal import Images
public import Store

extension PictureIndex {
  /// A picture of the index; nil where there is none of this number.
  public func picture(_ id: UInt64) async throws -> IndexedPicture? {
    try await shared.read { store in try store.read { try IndexedPicture(id, in: $0) } }
  }

  /// How the pictures of the index are distributed over folders, months, cameras and formats. Reads every
  /// picture's row.
  public func facets() async throws -> PictureFacets {
    try await shared.read { store in try store.read { try PictureFacets($0) } }
  }

  /// How far the run has come that indexes into this index now, in whatever process; nil where none does.
  public func runProgress() async throws -> RunProgress? {
    try await shared.read { store in RunProgress(index: store.path) }
  }

  /// The file of a picture of the index, open for reading.
  ///
  /// It is opened relative to its root, which the path cannot leave, also by a symbolic link; what is no
  /// picture by its first bytes is refused, so that whatever was put in the place of a picture stays unread.
  /// - Throws: `RetrievalError` with the code `noSuchPicture` where the index holds no such picture, and
  ///   `unreadablePicture` where its file cannot be opened.
  public func originalFile(of id: UInt64) async throws -> OriginalFile {
    try await shared.read { store in
      let place = try store.read { snapshot in
        try snapshot.picture(id).flatMap { snapshot.metadata.roots.place(of: $0.path) }
      }
      guard let place else { throw RetrievalError.noPicture(id, in: store.path) }
      return try OriginalFile(place.path, root: place.root)
    }
  }

  /// A picture of the index, decoded from its file (``originalFile(of:)``).
  /// - Parameter side: Neither side needs to be longer than this many pixels.
  func decodedPicture(_ id: UInt64, side: Int) async throws -> Picture {
    let file = try await originalFile(of: id)
    return try await shared.read { _ in
      try self.decoder.picture(
        .contents(file.read(), name: file.name), forSide: side)
    }
  }

  /// A picture from outside, decoded once for several uses.
  /// - Returns: A source that stands for it, scaled to the size that the model reads, and the size of the file's
  ///   picture.
  /// - Throws: `RetrievalError` with the code `unreadablePicture`.
  public func decoded(
    _ contents: [UInt8], name: String
  ) async throws -> (source: PictureSource, width: Int, height: Int) {
    try await shared.read { store in
      let side = store.metadata.sizes.image
      let (picture, properties) = try asRetrievalError(.unreadablePicture) {
        do { return try self.decoder.decode(contents, forSide: side) } catch {
          throw PathError(name, "\(error)")
        }
      }
      let scaled = picture.resized(width: side, height: side)
      let isTurned = properties.orientation >= 5
      return (
        .decoded(scaled, name: name), isTurned ? properties.height : properties.width,
        isTurned ? properties.width : properties.height
      )
    }
  }
}
