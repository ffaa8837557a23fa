/// What a run has to do, from what the walk found and what the index holds.
struct IndexingPlan: Sendable {
  /// Pictures to read: new ones, and known ones with another size or time.
  private(set) var jobs: [EncodingJob] = []
  /// Pictures with the size and time that the index knows.
  private(set) var unchanged = 0
  /// Failures of earlier runs whose files are as they were.
  private(set) var failedBefore = 0
  /// Pictures of the index that the collection no longer has.
  private(set) var vanished: [UInt64] = []
  /// Paths of failures that the collection no longer has.
  private(set) var vanishedFailures: [[UInt8]] = []
  /// Pictures of the index that the walk found again.
  private(set) var kept = 0

  init(scan: CollectionScan, snapshot: borrowing IndexSnapshot) throws {
    let found = Set(scan.pictures.lazy.map(\.path))
    var failures: [[UInt8]: (size: UInt64, modified: Int64)] = [:]
    try snapshot.forEachFailure { failure in
      if found.contains(failure.path) {
        failures[failure.path] = (failure.size, failure.modified)
      } else if !scan.hides(failure.path) {
        vanishedFailures.append(failure.path)
      }
    }
    try snapshot.forEachPicture { id, record in
      if found.contains(record.path) {
        kept += 1
      } else if !scan.hides(record.path) {
        vanished.append(id)
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
}
