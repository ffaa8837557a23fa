internal import Store

/// What a run has to do, from what the walks found and what the index holds.
struct IndexingPlan: Sendable {
  /// What the index holds of a root that was walked through.
  struct Root: Sendable {
    /// Stored paths of pictures that the root no longer has; some may have moved.
    fileprivate(set) var vanished: Set<[UInt8]> = []
    /// Of the vanished, those that are left out on demand.
    fileprivate(set) var excluded = 0
    /// Pictures that the walk found again.
    fileprivate(set) var kept = 0
  }

  /// The pictures found in all roots, with their stored paths.
  let pictures: [FoundPicture]
  /// Pictures to read: new ones, and known ones with another size or time.
  private(set) var jobs: [EncodingJob] = []
  /// Pictures with the size and time that the index knows.
  private(set) var unchanged = 0
  /// Failures of earlier runs whose files are as they were.
  private(set) var failedBefore = 0
  /// By their numbers; what other roots hold is left alone.
  private(set) var roots: [Int: Root] = [:]
  /// The stored path of a vanished picture by its content, SHA-256.
  private(set) var vanishedContents: [[UInt8]: [UInt8]] = [:]
  /// Stored paths of failures that the collection no longer has.
  private(set) var vanishedFailures: [[UInt8]] = []

  /// - Parameters:
  ///   - scans: The walks by the numbers of their roots.
  ///   - retriesFailures: Files that failed are read again although they are as they were.
  init(
    scans: [Int: CollectionScan], retriesFailures: Bool, snapshot: borrowing IndexSnapshot
  ) throws {
    pictures = scans.sorted { $0.key < $1.key }.flatMap { number, scan in
      number == 0 ? scan.pictures : scan.pictures.map { $0.stored(in: number) }
    }
    roots = scans.mapValues { _ in Root() }
    let found = Set(pictures.lazy.map(\.path))
    var failures: [[UInt8]: (size: UInt64, modified: Int64)] = [:]
    try snapshot.forEachFailure { failure in
      let (root, path) = CollectionRoots.parts(of: failure.path)
      guard let scan = scans[root] else { return }
      if found.contains(failure.path) {
        if !retriesFailures { failures[failure.path] = (failure.size, failure.modified) }
      } else if !scan.hides(path) {
        vanishedFailures.append(failure.path)
      }
    }
    try snapshot.forEachPicture { _, record in
      let (root, path) = CollectionRoots.parts(of: record.path)
      guard let scan = scans[root] else { return }
      if found.contains(record.path) {
        roots[root]?.kept += 1
      } else if !scan.hides(path) {
        roots[root]?.vanished.insert(record.path)
        vanishedContents[record.contentHash] = record.path
        if scan.excludes(path) { roots[root]?.excluded += 1 }
      }
    }
    for picture in pictures {
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

extension IndexingPlan.Root {
  /// Whether so many pictures seem gone that a disk that is not there, or a folder that was renamed by
  /// mistake, is likelier than deleting them all. `gone`: those of `vanished` that did not move.
  func isLikelyMistake(gone: Int) -> Bool {
    let unasked = gone - excluded
    return unasked > Self.manyPictures && 2 * unasked > kept + vanished.count
  }

  /// So many are deleted every day.
  private static let manyPictures = 100
}

extension FoundPicture {
  /// The picture with the path that it is stored by in a root.
  fileprivate func stored(in root: Int) -> FoundPicture {
    FoundPicture(
      path: CollectionRoots.storedPath(path, root: root), size: size, modified: modified,
      hasSidecar: hasSidecar)
  }
}
