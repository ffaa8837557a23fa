import BLIP
import Files
import Store
import Tensors

/// Outcomes that wait for their transaction.
private struct Batch {
  /// A commit costs a flush to disk; losing this many pictures costs a second or two.
  static let pictures = 64
  static let duration = Duration.seconds(2)

  var outcomes: [EncodingOutcome] = []
  var begun = ContinuousClock.now

  var isDue: Bool {
    outcomes.count >= Self.pictures || ContinuousClock.now - begun >= Self.duration
  }
}

extension Indexer {
  /// Encodes pictures in parallel; this task alone writes, a transaction a batch. Returns whether
  /// all were done.
  func encodePictures(
    _ jobs: [EncodingJob], with encoder: PictureEncoder, shouldStop: @Sendable () -> Bool,
    summary: inout IndexingSummary, report: (IndexingEvent) -> Void
  ) async throws -> Bool {
    let start = ContinuousClock.now
    defer { summary.pictureSeconds = (ContinuousClock.now - start) / .seconds(1) }
    var batch = Batch()
    var done = 0
    func commit() throws {
      guard !batch.outcomes.isEmpty else { return }
      summary = try write(batch.outcomes, to: encoder.store, counting: summary)
      done += batch.outcomes.count
      batch = Batch()
      report(.encoded(done))
    }
    do {
      let isWhole = try await concurrentMap(
        jobs, inFlight: 2 * processors + 2, shouldStop: shouldStop,
        work: { try encoder.outcome(of: $0) },
        take: { outcome in
          if case .failed(let failure) = outcome {
            try requireRoot(of: failure, encoder.roots)
            let name = printable(encoder.roots.name(of: failure.path))
            report(.failed(path: name, reason: failure.reason))
          }
          batch.outcomes.append(outcome)
          if batch.isDue { try commit() }
        })
      try commit()
      return isWhole
    } catch {
      // What is encoded is kept whatever ended the work; the original error is the one to report.
      try? commit()
      throw error
    }
  }

  /// Throws if the root of a file is no longer there: then its files did not fail, and are not noted as such.
  private func requireRoot(of failure: FailureRecord, _ roots: CollectionRoots)
    throws(RetrievalError)
  {
    let root = roots[CollectionRoots.parts(of: failure.path).root]?.path ?? ""
    guard (try? FileSystem.status(Array(root.utf8)))?.kind == .folder else {
      throw RetrievalError(
        .unreadableCollection,
        "\(printable(root)): the collection was removed or renamed while it was indexed; what was "
          + "committed is kept; index it again where it is now")
    }
  }

  /// Commits outcomes; returns the summary with them.
  private func write(
    _ outcomes: [EncodingOutcome], to store: IndexStore, counting summary: IndexingSummary
  ) throws -> IndexingSummary {
    var summary = summary
    let bank = try model.textBank()
    try store.write { change in
      for outcome in outcomes {
        switch outcome {
        case .encoded(let record, let parts, let isNew, let duration):
          try change.put(record, parts, hubness: bank?.hubness(of: parts.embedding))
          summary.encoderSeconds += duration / .seconds(1)
          if isNew { summary.added += 1 } else { summary.changed += 1 }
        case .copied(let record, let parts, let isNew, let movedFrom):
          if isNew, let movedFrom, try change.movePicture(from: movedFrom, to: record) {
            summary.moved += 1
            continue
          }
          try change.put(record, parts, hubness: bank?.hubness(of: parts.embedding))
          if isNew { summary.added += 1 } else { summary.changed += 1 }
        case .touched(let path, let size, let modified):
          try change.touch(path: path, size: size, modified: modified)
          summary.unchanged += 1
        case .failed(let failure):
          if failure.sawContent, let stale = try change.pictureID(path: failure.path) {
            try change.removePicture(stale)
          }
          try change.putFailure(failure)
          summary.failed += 1
        }
      }
    }
    return summary
  }
}

extension IndexWriter {
  fileprivate func put(
    _ record: PictureRecord, _ parts: PictureParts, hubness: Float?
  ) throws {
    try put(
      record, embedding: parts.embedding, features: parts.features, details: parts.details,
      signature: parts.signature, shownText: parts.shownText, hubness: hubness)
  }
}
