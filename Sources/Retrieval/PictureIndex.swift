public import BLIP
import Checkpoints
public import Images
@_exported public import Store
import Synchronization

/// An index of the pictures in a folder, on disk, that is searched by text or by picture.
///
/// ```swift
/// import Retrieval
///
/// let index = try await PictureIndex.create(at: "photos.index")
/// for try await event in index.update(from: "Pictures") {
///   if case .finished(let summary) = event { print(summary.added, "pictures added") }
/// }
/// for hit in try await index.search(text: "a dog running on a beach") {
///   print(hit.path, hit.cosine)
/// }
/// await index.close()
/// ```
///
/// Any number of searches run at the same time, also during an update, each on a consistent view of the
/// index. One update runs at a time; a second one, also of another process, waits. Work that blocks or
/// computes for long runs on threads of its own. A process must not open the same index twice: share
/// one `PictureIndex`.
public final class PictureIndex: Sendable {
  /// The index directory.
  public let path: String
  let modelPath: String?
  let precision: Precision
  let cache: String?
  let decoder: any PictureDecoder
  let shared: SharedStore
  let thumbnails: ThumbnailFolder
  private let loadedModel = Mutex<BLIPModel?>(nil)
  let loadedCaptioner = Mutex<PictureCaptioner?>(nil)

  private init(
    path: String, model: String?, precision: Precision, cache: String?,
    decoder: any PictureDecoder
  ) {
    self.path = path
    modelPath = model
    self.precision = precision
    self.cache = cache
    self.decoder = decoder
    shared = SharedStore(path: path)
    thumbnails = ThumbnailFolder(index: path)
  }

  /// Opens an index. Its model is loaded by the first search.
  /// - Parameters:
  ///   - path: The index directory.
  ///   - model: The folder of the model that the index was built with, if it has moved. Nil: where it
  ///     was, else the default model.
  ///   - precision: The number format that queries are computed in; `auto` is that of the index.
  ///   - cache: A directory where packed weights are kept, which makes the next start faster. Nil: none.
  ///   - decoder: What decodes pictures, of the collection and of queries: in this process, or with an
  ///     `IsolatedDecoder` in another one, which protects this one from damaged files.
  /// - Throws: `RetrievalError`, for example with the code `noIndex`, or `alreadyOpen`.
  public static func open(
    _ path: String, model: String? = nil, precision: Precision = .auto, cache: String? = nil,
    decoder: any PictureDecoder = ImageDecoder()
  ) async throws(RetrievalError) -> PictureIndex {
    let index = PictureIndex(
      path: path, model: model, precision: precision, cache: cache, decoder: decoder)
    try await index.shared.open()
    return index
  }

  /// An index that does not exist yet. The first update creates its directory, so that a folder without
  /// pictures leaves nothing behind.
  /// - Parameters:
  ///   - path: The index directory: a new or an empty one.
  ///   - model: The folder of a BLIP model in Hugging Face's format. Nil: the default model.
  ///   - precision: The number format that pictures and queries are computed in; `auto` is bf16 if the
  ///     processor supports it, else fp32.
  ///   - cache: As for ``open(_:model:precision:cache:decoder:)``.
  ///   - decoder: As for ``open(_:model:precision:cache:decoder:)``.
  /// - Throws: `RetrievalError`: with the code `indexExists` where there is an index, `notAnIndex` where
  ///   the directory has other contents.
  public static func create(
    at path: String, model: String? = nil, precision: Precision = .auto, cache: String? = nil,
    decoder: any PictureDecoder = ImageDecoder()
  ) async throws(RetrievalError) -> PictureIndex {
    guard try IndexStore.metadata(at: path) == nil else {
      throw RetrievalError(.indexExists, "\(path): there is an index here; open it, or delete it")
    }
    try IndexFolder.requireVacant(path)
    return PictureIndex(
      path: path, model: model, precision: precision, cache: cache, decoder: decoder)
  }

  /// What the index is called, which model it was built with, and how; read when it was opened or last
  /// updated.
  public var metadata: IndexMetadata {
    get throws(RetrievalError) { try shared.existing(\.metadata) }
  }

  /// The same, where another process may just be repairing or replacing the index: waits until it has.
  public func currentMetadata() async throws(RetrievalError) -> IndexMetadata {
    try await shared.read(\.metadata)
  }

  /// Something the user should know about how the index could be opened; nil if all is well.
  public var warning: String? {
    get throws(RetrievalError) { try shared.current(\.warning) ?? nil }
  }

  /// What differs after every change of the index, by whatever process, and where another one is in its place.
  public var generation: IndexGeneration {
    get throws(RetrievalError) { try shared.generation() }
  }

  /// Takes over what other processes have done to the index: one that has taken its place, and other settings. A process
  /// that keeps an index open calls it again and again, so that the index can be repaired and compacted meanwhile. New
  /// pictures and texts are seen without it.
  /// - Returns: Whether the index was opened again.
  @discardableResult
  public func refresh() async throws(RetrievalError) -> Bool { try await shared.refresh() }

  /// Closes the index: an update stops after its current batch, searches that have begun end, and what
  /// is called later throws an error with the code `closed`. Returns when the index can be opened again.
  public func close() async { await shared.close() }

  /// The model of an index, loaded once. Blocks.
  func model(of metadata: IndexMetadata) throws(RetrievalError) -> BLIPModel {
    let folder = { [path, modelPath] () throws(RetrievalError) in
      try asRetrievalError(.unusableModel) {
        try ModelLocator(index: path, metadata: metadata).folder(given: modelPath)
      }
    }
    return try model(
      fingerprint: metadata.model.fingerprint,
      precision: precision == .auto ? metadata.precision : precision, at: folder)
  }

  /// A model, unless it is the one loaded last. Blocks.
  func model(
    fingerprint: String?, precision: Precision,
    at folder: () throws(RetrievalError) -> ModelFolder
  ) throws(RetrievalError) -> BLIPModel {
    try loadedModel.withLock { loaded throws(RetrievalError) in
      if let loaded, loaded.folder.fingerprint == fingerprint,
        loaded.precision == precision.resolved
      {
        return loaded
      }
      let folder = try folder()
      let model = try asRetrievalError(.unusableModel) {
        try BLIPModel(folder: folder, precision: precision, cache: cache)
      }
      loaded = model
      return model
    }
  }

  /// Changes what the index holds, as the only writer of all processes. `waiting` is called with the other
  /// process's name where this has to wait for it.
  func change<Result: Sendable>(
    waiting: @escaping @Sendable (String) -> Void,
    _ body: @escaping @Sendable (IndexStore) throws -> Result
  ) async throws -> Result {
    try await shared.write {
      let metadata = try shared.existing(\.metadata)
      let store = try await shared.writable { _ in metadata }
      return try await shared.read { _ in
        let lock = try WriterLock.take(of: store.path, shouldStop: { false }, whenHeld: waiting)
        defer { withExtendedLifetime(lock) {} }
        return try body(store)
      }
    }
  }
}

/// A state of an index: what was read of it in the same one is still so.
public struct IndexGeneration: Sendable, Hashable {
  /// How often the index was opened.
  let openings: Int
  /// The last change.
  let transaction: UInt64
}
