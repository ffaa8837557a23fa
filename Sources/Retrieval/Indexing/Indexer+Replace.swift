import BLIP
import Checkpoints
internal import LMDB
package import Store

extension Indexer {
  /// Makes an index with this model beside the one at `request.index`, which was made with another,
  /// and puts it in its place when it is whole. Until then the old one answers, also where this run
  /// is stopped; the next one continues from there.
  ///
  /// Captions that a file gave the old index go over. Arguments and errors are those of
  /// ``run(_:shouldStop:report:)``; `existing` is the old index, where it is open already.
  package func replace(
    _ request: IndexingRequest, existing: IndexStore? = nil,
    shouldStop: @escaping @Sendable () -> Bool,
    report: (IndexingEvent) -> Void
  ) async throws -> IndexingSummary {
    let (old, new) = (request.index, request.index + ".new")
    var summary = IndexingSummary()
    guard
      let lock = try WriterLock.take(
        of: old, shouldStop: shouldStop, whenHeld: { report(.waiting($0)) })
    else {
      summary.interrupted = true
      return summary
    }
    defer { withExtendedLifetime(lock) {} }
    var successor = request
    successor.index = new
    try inherit(from: existing ?? IndexStore.open(old), to: &successor)
    // What an earlier run left: another model's, or an old index that it did not get to remove.
    if let stale = try IndexStore.metadata(at: new),
      stale.model.fingerprint != model.folder.fingerprint
    {
      try IndexFolder.remove(new)
    }
    summary = try await run(successor, shouldStop: shouldStop, report: report)
    guard !summary.interrupted else { return summary }
    guard summary.failed + summary.failedBefore < summary.found else { return summary }
    do { try exchangeFolders(old, new) } catch {
      throw RetrievalError(
        "\(new): the index is complete, but cannot replace \(old) (\(error)); move it "
          + "there yourself")
    }
    try IndexFolder.remove(new)
    return summary
  }

  /// Name and captions of the old index, held against the collection as a run on it would be.
  private func inherit(from store: IndexStore, to successor: inout IndexingRequest) throws {
    let root = try collectionRoot(successor.collection)
    let scan = try CollectionScan(
      root: root, exclude: successor.options.exclude.map { try GlobPattern($0) },
      shouldStop: { false })
    try store.read { snapshot in
      let plan = try IndexingPlan(scan: scan, retriesFailures: false, snapshot: snapshot)
      guard successor.options.allowsVanished || !plan.isLikelyMistake(gone: plan.vanished.count)
      else {
        throw RetrievalError(
          .mostPicturesMissing,
          "\(plan.vanished.count) pictures of the index \(store.path), most of it, are not in "
            + "\(successor.collection); nothing was changed")
      }
      if successor.options.name == nil { successor.options.name = snapshot.metadata.name }
      successor.options.readsText = try successor.options.readsText ?? snapshot.readsText()
      try snapshot.forEachPicture { id, record in
        let texts = try snapshot.textRecords(of: id).map(\.record).filter { $0.source == .captions }
        if !texts.isEmpty { successor.inheritedCaptions[record.path] = texts.map(\.text) }
      }
    }
  }
}
