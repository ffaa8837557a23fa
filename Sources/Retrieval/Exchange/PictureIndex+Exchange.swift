internal import Store
internal import Synchronization

extension PictureIndex {
  /// Writes the embeddings and what they are of into a new folder, in clip-retrieval's layout: `.npy`
  /// files, and a line of JSON for each of their rows. Patch features are not exported.
  ///
  /// The folder appears complete or not at all, also if the task is cancelled.
  /// - Throws: `RetrievalError`, or `CancellationError`.
  public func export(to folder: String) async throws -> ExportSummary {
    let stop = StopFlag()
    let summary = try await withTaskCancellationHandler {
      try await shared.read { store in
        try store.export(to: folder, shouldStop: { stop.isSet })
      }
    } onCancel: {
      stop.set()
    }
    guard let summary else { throw CancellationError() }
    return summary
  }

  /// Builds an index from existing embeddings: nothing is encoded. It then has all of them or, after an
  /// error or if the task is cancelled, none.
  /// - Parameters:
  ///   - folder: A folder that ``export(to:)`` wrote, or one in the same layout that another program
  ///     wrote.
  ///   - path: The index directory; created if there is none. The index must hold no pictures.
  ///   - collection: The folder of the pictures. Nil: as the export says.
  ///   - model: The folder of the model that made the embeddings. Nil: as the export says, else the
  ///     default model.
  ///   - waiting: Called with the other process's name where this has to wait for it.
  /// - Throws: `RetrievalError`, or `CancellationError`.
  public static func importEmbeddings(
    from folder: String, to path: String, collection: String? = nil, model: String? = nil,
    waiting: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> ImportSummary {
    let request = ImportRequest(folder: folder, index: path, collection: collection, model: model)
    let summary = try await withTaskExecutorPreference(BlockingExecutor.shared) {
      try IndexImport(request).run(shouldStop: { Task.isCancelled }, whenHeld: waiting)
    }
    guard let summary else { throw CancellationError() }
    return summary
  }
}

/// Whether a task that another thread works for was cancelled.
private final class StopFlag: Sendable {
  private let flag = Atomic(false)
  var isSet: Bool { flag.load(ordering: .relaxed) }
  func set() { flag.store(true, ordering: .relaxed) }
}
