package import BLIP
import Checkpoints
internal import Files
package import Images
internal import Store
import Tensors
import VectorIndex

/// Builds and updates an index over a collection: finds pictures, encodes new and changed ones in
/// parallel, commits them batch by batch, drops vanished ones, and embeds their texts.
///
/// A picture is done when its transaction is; nothing else records progress, so that a run may end
/// at any moment and the next one continues.
package struct Indexer: Sendable {
  let model: BLIPModel
  let decoder: any PictureDecoder
  private let present: PresentMetadata
  private let open: StoreOpening

  /// What the index at a path says of itself; nil where there is none.
  typealias PresentMetadata = @Sendable (String) throws -> IndexMetadata?

  /// Opens the index at a path for writing, with metadata that follow from those it has, if any.
  typealias StoreOpening =
    @Sendable (String, @escaping @Sendable (IndexMetadata?) -> IndexMetadata) async throws ->
    IndexStore

  /// An indexer that decodes with `decoder` and encodes with `model`.
  package init(model: BLIPModel, decoder: any PictureDecoder = ImageDecoder()) {
    self.init(
      model: model, decoder: decoder, present: { try IndexStore.metadata(at: $0) }
    ) { path, metadata in
      try IndexStore.openForWriting(path, metadata: metadata)
    }
  }

  /// An indexer of an index that is open already.
  init(
    model: BLIPModel, decoder: any PictureDecoder, present: @escaping PresentMetadata,
    open: @escaping StoreOpening
  ) {
    self.model = model
    self.decoder = decoder
    self.present = present
    self.open = open
  }

  /// Brings an index up to date with its collection.
  ///
  /// `shouldStop` is asked between pictures: what is done by then is committed and the summary says
  /// that the run was interrupted. Files that cannot be indexed are failures in the summary and the
  /// index; an error is thrown where the job as a whole cannot be done, and what was committed
  /// before stands.
  package func run(
    _ request: IndexingRequest, shouldStop: @escaping @Sendable () -> Bool,
    report: (IndexingEvent) -> Void
  ) async throws -> IndexingSummary {
    let start = ContinuousClock.now
    var summary = try await update(request, shouldStop: shouldStop, report: report)
    summary.seconds = (ContinuousClock.now - start) / .seconds(1)
    return summary
  }

  private func update(
    _ request: IndexingRequest, shouldStop: @escaping @Sendable () -> Bool,
    report: (IndexingEvent) -> Void
  ) async throws -> IndexingSummary {
    var summary = IndexingSummary()
    func contents() throws -> CollectionContents? {
      try CollectionContents(request, present: present(request.index), shouldStop: shouldStop)
    }
    // Before the lock, so that a collection that cannot be indexed makes no folder of an index.
    guard let first = try contents(),
      let lock = try WriterLock.take(
        of: request.index, shouldStop: shouldStop, whenHeld: { report(.waiting($0)) }),
      // What was seen before another run ended may be older than what that run has stored.
      let contents = lock.waited ? try contents() : first
    else {
      summary.interrupted = true
      return summary
    }
    defer { withExtendedLifetime(lock) {} }
    for warning in contents.warnings { report(.warning(warning)) }
    summary.count(contents)

    let store = try await open(request, root: contents.roots[0].path)
    if let warning = store.warning { report(.warning(warning)) }
    try store.requireSound(
      except: request.options.rebuildsVectors ? IndexStore.rebuiltTables : [])
    let (assignment, plan): (RootAssignment, IndexingPlan) = try store.read { snapshot in
      let assignment = try RootAssignment(contents, in: snapshot, of: store.path)
      let scans = zip(assignment.numbers, contents.roots.map(\.scan))
      return (
        assignment,
        try IndexingPlan(
          scans: Dictionary(uniqueKeysWithValues: scans),
          retriesFailures: request.options.retriesFailures, snapshot: snapshot)
      )
    }
    try adopt(request, roots: assignment.roots, in: store)
    summary.unchanged = plan.unchanged
    summary.failedBefore = plan.failedBefore
    report(.scanned(found: plan.pictures.count, toEncode: plan.jobs.count))
    let isDone = try await carryOut(
      plan, captions: contents.captions, in: store, request.options, shouldStop: shouldStop,
      summary: &summary, report: report)
    try requireIndex(request.index)
    summary.interrupted = !isDone
    return summary
  }

  /// Encodes pictures and texts, drops what is gone, and updates the text and vector indexes; false
  /// where `shouldStop` ended that.
  private func carryOut(
    _ plan: IndexingPlan, captions: CollectionCaptions, in store: IndexStore,
    _ options: IndexingOptions, shouldStop: @escaping @Sendable () -> Bool,
    summary: inout IndexingSummary, report: (IndexingEvent) -> Void
  ) async throws -> Bool {
    func updateVectorIndex(isRebuilt: Bool) throws -> Bool {
      let options = VectorIndexOptions(recall: options.recall, isRebuilt: isRebuilt)
      return try store.updateVectorIndex(options, shouldStop: shouldStop) { report(.arranging($0)) }
    }
    let rebuilds = options.rebuildsVectors
    try setReadsText(options.readsText, in: store)
    try store.updateTextIndex(isRebuilt: rebuilds)
    // Rebuilt first, so that it repairs what the changes below would fail on.
    guard try !rebuilds || updateVectorIndex(isRebuilt: true),
      try completeHubness(of: store, by: model.textBank(), shouldStop: shouldStop)
    else { return false }
    do {
      // Pictures are the unit of parallel work: each worker computes on its own core.
      setComputeThreads(1)
      defer { setComputeThreads(processors) }
      let encoder = PictureEncoder(
        model: model, store: store, decoder: decoder, roots: store.metadata.roots,
        keepsFeatures: store.metadata.features != .none,
        readsText: try store.read { try $0.readsText() }, vanished: plan.vanishedContents)
      guard
        try await encodePictures(
          plan.jobs, with: encoder, shouldStop: shouldStop, summary: &summary, report: report)
      else { return false }
      try drop(plan, from: store, evenMost: options.allowsVanished, summary: &summary)
      guard
        try await readDetails(
          of: plan.pictures, in: store, shouldStop: shouldStop, report: report),
        try await embedTexts(
          captions, of: plan.pictures, in: store, shouldStop: shouldStop,
          summary: &summary, report: report)
      else { return false }
    }
    return try updateVectorIndex(isRebuilt: false)
  }

  /// Throws if the index directory is no longer there: the file that was written has no name then.
  private func requireIndex(_ path: String) throws(RetrievalError) {
    guard (try? FileSystem.status(Array("\(path)/data.mdb".utf8))) != nil else {
      throw RetrievalError(
        .noIndex,
        "\(path): the index directory was removed or renamed while it was written; index again")
    }
  }

  /// Opens the index, or creates it; what the request leaves open is as recorded in the index.
  private func open(_ request: IndexingRequest, root: [UInt8]) async throws -> IndexStore {
    try await open(request.index) { present in
      IndexMetadata(
        name: request.options.name ?? present?.name ?? printable(lastComponent(of: root)),
        model: model.folder,
        precision: model.precision,
        features: request.options.features ?? present?.features ?? .none,
        collection: String(decoding: root, as: UTF8.self))
    }
  }

  private func adopt(_ request: IndexingRequest, roots: CollectionRoots, in store: IndexStore)
    throws
  {
    let present = store.metadata
    var wanted = present
    wanted.name = request.options.name ?? present.name
    wanted.roots = roots
    wanted.settings = request.options.settings(over: present.settings)
    wanted.model.path = model.folder.resolvedPath
    if wanted != present { try store.write { [wanted] in try $0.update(wanted) } }
  }

  /// Drops what the roots no longer have and what has not moved; of a root of which most seems gone nothing,
  /// unless `evenMost`.
  private func drop(
    _ plan: IndexingPlan, from store: IndexStore, evenMost: Bool, summary: inout IndexingSummary
  ) throws {
    let batch = 1000
    for (number, root) in plan.roots.sorted(by: { $0.key < $1.key }) {
      let gone = try store.read { snapshot in
        try root.vanished.compactMap { try snapshot.pictureID(path: $0) }.sorted()
      }
      guard evenMost || !root.isLikelyMistake(gone: gone.count) else {
        summary.withheld += gone.count
        summary.incompleteRoots.append(store.metadata.roots[number]?.path ?? "")
        continue
      }
      for start in stride(from: 0, to: gone.count, by: batch) {
        try store.write { change in
          for id in gone[start...].prefix(batch) { try change.removePicture(id) }
        }
      }
      summary.vanished += gone.count
    }
    guard summary.withheld == 0, !plan.vanishedFailures.isEmpty else { return }
    try store.write { change in
      for path in plan.vanishedFailures { try change.removeFailure(path: path) }
    }
  }
}

extension IndexingSummary {
  /// Counts what was found, and what was not.
  fileprivate mutating func count(_ contents: CollectionContents) {
    absentRoots = contents.absent
    for root in contents.roots {
      found += root.scan.pictures.count
      unreadable += root.scan.unreadable.count
      leftOut.merge(root.scan.leftOutCounts, uniquingKeysWith: +)
    }
  }
}
