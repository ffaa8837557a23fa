package import BLIP
internal import Checkpoints
internal import Digests
internal import Files
package import Images
package import Store
internal import Tensors

/// A picture's caption, or why there is none.
package struct CaptionedFile: Sendable {
  /// As the caller named it.
  package let path: [UInt8]
  /// The caption; an error names the file and says what is wrong with it.
  package let caption: Result<String, RetrievalError>
}

/// Writes captions of pictures. Groups of pictures are worked on in several tasks at once: while one
/// reads and decodes, another generates.
package struct PictureCaptioner: Sendable, CustomStringConvertible {
  /// Pictures of a task. Their sequences grow together: a step reads the model's weights once for all.
  static let picturesPerTask = 8

  /// Opened for captions.
  let model: BLIPModel
  let settings: GenerationSettings
  let decoder: any PictureDecoder

  /// A captioner that decodes pictures with `decoder`.
  package init(
    model: BLIPModel, settings: GenerationSettings, decoder: any PictureDecoder = ImageDecoder()
  ) {
    self.model = model
    self.settings = model.completed(settings)
    self.decoder = decoder
  }

  /// The model and all that a caption depends on: what marks a synthetic text.
  package var description: String {
    "\(model.folder.name) \(model.folder.fingerprint.prefix(12)), \(model.precision.rawValue), "
      + "\(settings)"
  }

  /// Captions picture files and hands them over in their order, as soon as they are there.
  ///
  /// Whatever is wrong with a file is its own result. Returns whether all were done: once
  /// `shouldStop` says so, no further group is begun.
  package func caption(
    files: [[UInt8]], shouldStop: @escaping @Sendable () -> Bool,
    take: (CaptionedFile) throws -> Void
  ) async throws -> Bool {
    try await orderedConcurrentMap(
      files, perTask: Self.picturesPerTask, shouldStop: shouldStop,
      work: { try captionedFiles($0) }, take: { try $0.forEach(take) })
  }

  private func captionedFiles(_ paths: [[UInt8]]) throws -> [CaptionedFile] {
    let read = paths.map { path in
      do throws(RetrievalError) {
        return Result<_, RetrievalError>.success(try self.read(path))
      } catch { return .failure(error) }
    }
    let pictures = try read.compactMap { try? $0.get() }.map {
      (features: try features(of: $0.picture), key: $0.key)
    }
    var captions = try self.captions(pictures).makeIterator()
    return zip(paths, read).map { path, read in
      CaptionedFile(path: path, caption: read.map { _ in captions.next()! })
    }
  }

  func features(of picture: Picture) throws -> Matrix {
    try model.features(of: model.pixels(of: picture))
  }

  /// The texts for pictures of the given features and keys.
  func captions(_ pictures: [(features: Matrix, key: UInt64)]) throws -> [String] {
    try model.captions(
      of: pictures.map(\.features), settings, keys: pictures.map(\.key)
    ).map(\.text)
  }

  /// A picture file, and the key of its content.
  /// - Parameter hash: The SHA-256 that its content must have, where that is known.
  func read(
    _ path: [UInt8], hash: [UInt8]? = nil
  ) throws(RetrievalError) -> (picture: Picture, key: UInt64) {
    let bytes: [UInt8]
    do { bytes = try FileSystem.read(path, limit: decoder.maximumBytes).bytes } catch {
      throw RetrievalError("\(printable(path)): \(error)")
    }
    let found = SHA256.digest(of: bytes)
    if let hash, found != hash {
      throw RetrievalError("\(printable(path)): it has changed since; run blip index first")
    }
    do {
      let side = model.folder.preprocessing.imageSize
      return (try decoder.decode(bytes, forSide: side).picture, Self.key(ofContent: found))
    } catch {
      throw RetrievalError("\(printable(path)): \(error)")
    }
  }

  /// What nucleus sampling draws for a picture depends on its content, not on where it lies.
  static func key(ofContent hash: [UInt8]) -> UInt64 {
    hash.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
