internal import BLIP
internal import Checkpoints
internal import Store
internal import Synchronization

extension PictureIndex {
  /// A caption of a picture that the index's model generates; it is not stored.
  /// - Throws: `RetrievalError` with the code `unusableModel` where the model generates none, and
  ///   `unreadablePicture` where the picture cannot be read.
  public func caption(of picture: PictureSource) async throws -> String {
    let captioner = try await captioner()
    let source: PictureSource
    if case .indexed(let id) = picture {
      let file = try await originalFile(of: id)
      source = .contents(try file.read(), name: file.name)
    } else {
      source = picture
    }
    return try await shared.read { _ in
      let (picture, key) = try captioner.read(source)
      return try captioner.captions([(captioner.features(of: picture), key)])[0]
    }
  }

  /// The index's model, opened for captions once.
  private func captioner() async throws -> PictureCaptioner {
    let metadata = try shared.existing(\.metadata)
    if let captioner = loadedCaptioner.withLock({ $0 }),
      captioner.model.folder.fingerprint == metadata.model.fingerprint
    {
      return captioner
    }
    let captioner = try await blocking { [self] () throws(RetrievalError) in
      try asRetrievalError(.unusableModel) {
        let folder = try ModelLocator(index: path, metadata: metadata).folder(given: modelPath)
        let model = try BLIPModel(
          folder: folder, precision: precision == .auto ? metadata.precision : precision,
          use: .captions, cache: cache)
        return PictureCaptioner(model: model, settings: GenerationSettings(), decoder: decoder)
      }
    }
    loadedCaptioner.withLock { $0 = captioner }
    return captioner
  }
}
