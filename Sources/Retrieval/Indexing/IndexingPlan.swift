internal import Store

/// What a run has to do, from what the walk found and what the index holds.
struct IndexingPlan: Sendable {
  /// Pictures to read: new ones, and known ones with another size or time.
  private(set) var jobs: [EncodingJob] = []
  /// Pictures with the size and time that the index knows.
  private(set) var unchanged = 0
  /// Failures of earlier runs whose files are as they were.
  private(set) var failedBefore = 0
  /// Paths of pictures of the index that the collection no longer has; some may have moved.
  private(set) var vanished: Set<[UInt8]> = []
  /// One of them by its content, SHA-256.
  private(set) var vanishedContents: [[UInt8]: [UInt8]] = [:]
  /// Of the vanished, those that are left out on demand.
  private(set) var excluded = 0
  /// Paths of failures that the collection no longer has.
  private(set) var vanishedFailures: [[UInt8]] = []
  /// Pictures of the index that the walk found again.
  private(set) var kept = 0

  /// `retriesFailures`: files that failed are read again although they are as they were.
  init(scan: CollectionScan, retriesFailures: Bool, snapshot: borrowing IndexSnapshot) throws {
    let found = Set(scan.pictures.lazy.map(\.path))
    var failures: [[UInt8]: (size: UInt64, modified: Int64)] = [:]
    try snapshot.forEachFailure { failure in
      if found.contains(failure.path) {
        if !retriesFailures { failures[failure.path] = (failure.size, failure.modified) }
      } else if !scan.hides(failure.path) {
        vanishedFailures.append(failure.path)
      }
    }
    try snapshot.forEachPicture { _, record in
      if found.contains(record.path) {
        kept += 1
      } else if !scan.hides(record.path) {
        vanished.insert(record.path)
        vanishedContents[record.contentHash] = record.path
        if scan.excludes(record.path) { excluded += 1 }
      }
    }
    for picture in scan.pictures {
      let known: PictureRecord? =
        if let id = try snapshot.pictureID(path: picture.path) {
          try snapshot.picture(id)
        } else { nil }
      if let known, known.size == picture.size, known.modified == picture.modified {
        unchanged += 1
      } else if let failure = failures[picture.path], failure.size == picture.size,
        failure.modified == picture.modified
      {
        failedBefore += 1
      } else {
        jobs.append(EncodingJob(found: picture, known: known))
      }
    }
  }

  /// Whether so many pictures seem gone that a disk that is not there, or a folder that was renamed by
  /// mistake, is likelier than deleting them all. `gone`: those of `vanished` that did not move.
  func isLikelyMistake(gone: Int) -> Bool {
    let unasked = gone - excluded
    return unasked > Self.manyPictures && 2 * unasked > kept + vanished.count
  }

  /// So many are deleted every day.
  private static let manyPictures = 100
}
