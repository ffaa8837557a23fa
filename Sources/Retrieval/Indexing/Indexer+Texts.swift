import BLIP
import Store
import Tensors

/// A picture's texts that differ from those the index holds.
private struct TextJob: Sendable {
  let picture: UInt64
  let texts: [TextRecord]
}

extension Indexer {
  /// Texts that go through the text encoder in one task, and into one transaction.
  private static let textsPerJob = 128

  /// Brings the texts of all pictures up to date; only those of pictures whose texts changed are
  /// embedded. Returns whether all were done.
  func embedTexts(
    _ captions: CollectionCaptions, of pictures: [FoundPicture], in store: IndexStore,
    shouldStop: @escaping @Sendable () -> Bool, summary: inout IndexingSummary,
    report: (IndexingEvent) -> Void
  ) async throws -> Bool {
    let (jobs, isWhole) = try plan(
      captions, of: pictures, in: store, shouldStop: shouldStop, report: report)
    guard isWhole else { return false }
    let total = jobs.reduce(0) { $0 + $1.texts.count }
    var done = 0
    defer { summary.texts = done }
    return try await concurrentMap(
      grouped(jobs), inFlight: processors + 1, shouldStop: shouldStop,
      work: { group in (group, try embeddings(of: group, in: store)) },
      take: { (group, embeddings) in
        try store.write { change in
          for job in group {
            try change.setTexts([], of: job.picture)
            for text in job.texts { try change.addText(text, embedding: embeddings[text.text]!) }
          }
        }
        done += group.reduce(0) { $0 + $1.texts.count }
        report(.texts(done, of: total))
      })
  }

  /// The embeddings of a group's texts: those that its pictures have already are taken over.
  private func embeddings(of group: [TextJob], in store: IndexStore) throws -> [String: [Float]] {
    var embeddings: [String: [Float]] = [:]
    try store.read { snapshot in
      for job in group {
        for stored in try snapshot.texts(of: job.picture) {
          embeddings[stored.text] = try snapshot.embedding(text: stored.id)
        }
      }
    }
    let texts = Set(group.lazy.flatMap(\.texts).map(\.text)).filter { embeddings[$0] == nil }
      .sorted()
    let added = try model.embed(texts: texts.map { model.tokens(of: $0) })
    for (text, embedding) in zip(texts, added) { embeddings[text] = embedding }
    return embeddings
  }

  /// The pictures whose texts have to be set, and whether the search for them came to its end.
  private func plan(
    _ captions: CollectionCaptions, of pictures: [FoundPicture], in store: IndexStore,
    shouldStop: () -> Bool, report: (IndexingEvent) -> Void
  ) throws -> (jobs: [TextJob], isWhole: Bool) {
    try store.read { snapshot in
      var jobs: [TextJob] = []
      for picture in pictures {
        if shouldStop() { return (jobs, false) }
        guard let id = try snapshot.pictureID(path: picture.path) else { continue }
        let stored = try snapshot.textRecords(of: id).map(\.record)
        do {
          let changed = try captions.changedTexts(
            ofPictureAt: snapshot.metadata.roots.location(of: picture.path),
            hasSidecar: picture.hasSidecar, stored: stored, id: id)
          if let changed { jobs.append(TextJob(picture: id, texts: changed)) }
        } catch let error as RetrievalError { report(.warning(error.description)) }
      }
      return (jobs, true)
    }
  }

  private func grouped(_ jobs: [TextJob]) -> [[TextJob]] {
    var groups: [[TextJob]] = []
    var count = Self.textsPerJob
    for job in jobs {
      if count >= Self.textsPerJob {
        groups.append([])
        count = 0
      }
      groups[groups.count - 1].append(job)
      // A picture that loses its texts is work too.
      count += max(1, job.texts.count)
    }
    return groups
  }
}
