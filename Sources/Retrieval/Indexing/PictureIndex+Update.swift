import BLIP
import Checkpoints
import Store

extension PictureIndex {
  /// Brings the index up to date with a folder of pictures: new and changed pictures are encoded,
  /// vanished ones are removed, the rest is left alone. A text file beside a picture (`cat.txt` beside
  /// `cat.png`) gives it a caption.
  ///
  /// The update runs while the events are iterated; the last one is `finished`. It can end at any
  /// moment, also by cancelling the task: what is done stays, and the next update continues from there.
  /// Files that cannot be indexed are events and part of the summary.
  ///
  /// ```swift
  /// for try await event in index.update(from: "Pictures") {
  ///   switch event {
  ///   case .encoded(let count): print(count, "pictures done")
  ///   case .finished(let summary): print(summary.added, "added,", summary.failed, "failed")
  ///   default: break
  ///   }
  /// }
  /// ```
  public func update(
    from folder: String, options: IndexingOptions = IndexingOptions()
  ) -> EventSequence<IndexingEvent> {
    update(from: [folder], options: options)
  }

  /// The same with several folders, the roots of the index. A folder that the index has not is added to them;
  /// roots that are not named stay as they are. One that is not there, as if its disk were not mounted, is a
  /// warning if the index has it (``IndexingSummary/absentRoots``) and others are named too.
  public func update(
    from folders: [String], options: IndexingOptions = IndexingOptions()
  ) -> EventSequence<IndexingEvent> {
    EventSequence(isStopped: shared.isStopped) { report in
      let summary = try await self.shared.write {
        let progress = ProgressFile(index: self.path)
        defer { progress.remove() }
        return try await self.index(folders, options) { event in
          progress.take(event)
          report(event)
        }
      }
      report(.finished(summary))
    }
  }

  private func index(
    _ folders: [String], _ options: IndexingOptions,
    report: @escaping @Sendable (IndexingEvent) -> Void
  ) async throws -> IndexingSummary {
    guard !folders.isEmpty else {
      throw RetrievalError(.invalidOption, "name the folder that holds the pictures")
    }
    var options = options
    let present = try shared.current(\.metadata)
    let model = try indexingModel(given: options.model, present: present)
    let isReplaced =
      present.map { $0.model.fingerprint != model.folder.fingerprint } ?? false
    if present == nil || isReplaced {
      options.features = options.features ?? Self.defaultFeatures(of: model)
    }
    let request = IndexingRequest(collections: folders, index: path, options: options)
    guard isReplaced, let present else {
      let indexer = Indexer(
        model: model, decoder: decoder,
        present: { [shared] _ in try shared.current(\.metadata) }
      ) { [shared] _, metadata in
        try await shared.writable(metadata)
      }
      return try await indexer.run(request, shouldStop: shared.isStopped, report: report)
    }
    report(.replacing(model: present.model.name, by: model.folder.name))
    let summary = try await Indexer(model: model, decoder: decoder).replace(
      request, existing: shared.existing { $0 }, shouldStop: shared.isStopped, report: report)
    if !shared.isClosed { try await shared.open() }
    return summary
  }

  /// The model given, which may be another than the index's; else that of the index; else, for a new
  /// index, the one that it is created with. Blocks.
  private func indexingModel(
    given: String?, present: IndexMetadata?
  ) throws(RetrievalError) -> BLIPModel {
    if given == nil, let present { return try model(of: present) }
    let folder = try asRetrievalError(.unusableModel) {
      try ModelFolder(path: given ?? modelPath ?? BLIPModel.defaultModelPath())
    }
    let precision = precision == .auto ? present?.precision ?? .auto : precision
    return try model(fingerprint: folder.fingerprint, precision: precision) { folder }
  }

  /// A model that reranks needs the patch features of pictures when searching. bf16 halves their size
  /// and changes ITM's logits too little to reorder results.
  private static func defaultFeatures(of model: BLIPModel) -> FeaturePrecision {
    model.folder.configuration.rerankDepth == 0 ? .none : .bf16
  }
}

extension EventSequence<IndexingEvent> {
  /// Runs the update to its end.
  @discardableResult
  public func summary() async throws -> IndexingSummary {
    var summary = IndexingSummary()
    for try await event in self {
      if case .finished(let final) = event { summary = final }
    }
    return summary
  }
}
