public import BLIP
internal import Captions
internal import Checkpoints
public import Images
internal import Retrieval

/// The model that is measured, and what it is measured with.
public struct EvaluatedModel: Sendable {
  /// The folder of the model. Nil: that of the index, else the default model.
  public var path: String?
  /// The number format to compute in.
  public var precision: Precision
  /// An index by this model that contains the set's pictures. Nil: one is built in the work directory.
  public var index: String?
  /// As for `PictureIndex.open`.
  public var cache: String?
  /// What decodes pictures.
  public var decoder: any PictureDecoder

  /// The defaults, except for what is given.
  public init(
    _ path: String? = nil, precision: Precision = .auto, index: String? = nil,
    cache: String? = nil, decoder: any PictureDecoder = ImageDecoder()
  ) {
    (self.path, self.precision, self.index) = (path, precision, index)
    (self.cache, self.decoder) = (cache, decoder)
  }

  /// The index of a set's pictures with its model: the index given, or one in the work directory, which is
  /// brought up to date.
  /// - Parameter features: The patch features that an index in the work directory stores.
  /// - Returns: Nil if `shouldStop` ended that.
  func searcher(
    of set: CaptionedSet, features: FeaturePrecision = .none, in work: WorkFolder,
    shouldStop: @escaping @Sendable () -> Bool, report: (IndexingEvent) -> Void
  ) async throws -> Searcher? {
    if let index {
      return try Searcher(
        index: index, modelPath: path, precision: precision, cache: cache, decoder: decoder)
    }
    let folder = try ModelFolder(path: path ?? BLIPModel.defaultModelPath())
    let model = try BLIPModel(folder: folder, precision: precision, cache: cache)
    let request = work.indexing(set, with: model, features: features)
    let summary = try await Indexer(model: model, decoder: decoder).run(
      request, shouldStop: shouldStop, report: report)
    guard !summary.interrupted else { return nil }
    return try Searcher(
      index: request.index, modelPath: folder.path, precision: precision, cache: cache,
      decoder: decoder)
  }
}
