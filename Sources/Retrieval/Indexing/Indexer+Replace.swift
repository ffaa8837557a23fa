import BLIP
import Checkpoints
import Files
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

  /// Name, roots, settings and captions of the old index, held against the collection as a run on it would be.
  private func inherit(from store: IndexStore, to successor: inout IndexingRequest) throws {
    let settings = successor.options.settings(over: store.metadata.settings)
    successor.options.exclude = settings.exclude
    successor.options.followsLinks = settings.followsLinks
    func contents() throws -> CollectionContents {
      guard
        let contents = try CollectionContents(
          successor, present: store.metadata, shouldStop: { false })
      else { preconditionFailure("nothing stops it") }
      return contents
    }
    var found = try contents()
    let others: [CollectionRoot] = try store.read { snapshot in
      let assignment = try RootAssignment(found, in: snapshot, of: store.path)
      return assignment.roots.all.filter { !assignment.numbers.contains($0.number) }
    }
    if !others.isEmpty {
      successor.collections += others.map(\.path).filter { !found.absent.contains($0) }
      found = try contents()
    }
    if let absent = found.absent.first {
      throw RetrievalError(
        .mostPicturesMissing,
        "\(printable(absent)), whose pictures the index \(store.path) holds, is not there or is empty; "
          + "nothing was changed")
    }
    try store.read { snapshot in
      let assignment = try RootAssignment(found, in: snapshot, of: store.path)
      let scans = zip(assignment.numbers, found.roots.map(\.scan))
      let plan = try IndexingPlan(
        scans: Dictionary(uniqueKeysWithValues: scans), retriesFailures: false, snapshot: snapshot)
      for (number, root) in plan.roots
      where !successor.options.allowsVanished && root.isLikelyMistake(gone: root.vanished.count) {
        throw RetrievalError(
          .mostPicturesMissing,
          "\(root.vanished.count) pictures of the index \(store.path), most of it, are not in "
            + "\(printable(assignment.roots[number]?.path ?? "")); nothing was changed")
      }
      if successor.options.name == nil { successor.options.name = snapshot.metadata.name }
      successor.options.readsText = try successor.options.readsText ?? snapshot.readsText()
      try snapshot.forEachPicture { id, record in
        let texts = try snapshot.textRecords(of: id).map(\.record).filter { $0.source == .captions }
        guard !texts.isEmpty else { return }
        successor.inheritedCaptions[assignment.roots.location(of: record.path)] = texts.map(\.text)
      }
    }
  }
}
