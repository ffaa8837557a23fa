import Files
import Images
import Store
import Tensors

/// A picture that is as it was, of which the index does not know what its file says.
private struct DetailsJob: Sendable {
  let id: UInt64
  let picture: FoundPicture
}

extension Indexer {
  /// Files that are read in one task, and into one transaction.
  private static let filesPerJob = 64

  /// Reads the details of pictures that were indexed before details were stored; nothing is encoded.
  /// Returns whether all were done.
  func readDetails(
    of pictures: [FoundPicture], in store: IndexStore, root: [UInt8],
    shouldStop: @escaping @Sendable () -> Bool, report: (IndexingEvent) -> Void
  ) async throws -> Bool {
    guard MetadataReader.isAvailable else {
      report(
        .warning(
          "libgexiv2 is not installed: titles, keywords, dates and places in picture files are not "
            + "read"))
      return true
    }
    let jobs = try detailsJobs(for: pictures, in: store)
    guard !jobs.isEmpty else { return true }
    var done = 0
    let groups = stride(from: 0, to: jobs.count, by: Self.filesPerJob).map {
      Array(jobs[$0..<min($0 + Self.filesPerJob, jobs.count)])
    }
    return try await concurrentMap(
      groups, inFlight: processors + 1, shouldStop: shouldStop,
      work: { group in
        (group.count, try group.compactMap { try details(of: $0, root: root) })
      },
      take: { (count, found) in
        try store.write { change in
          for (id, details) in found { try change.setDetails(details, of: id) }
        }
        done += count
        report(.details(done, of: jobs.count))
      })
  }

  private func detailsJobs(for pictures: [FoundPicture], in store: IndexStore) throws
    -> [DetailsJob]
  {
    try store.read { snapshot in
      guard try snapshot.detailsCount() < snapshot.pictureCount() else { return [] }
      return try pictures.compactMap { picture in
        guard let id = try snapshot.pictureID(path: picture.path),
          try !snapshot.hasDetails(picture: id), let record = try snapshot.picture(id),
          record.size == picture.size, record.modified == picture.modified
        else { return nil }
        return DetailsJob(id: id, picture: picture)
      }
    }
  }

  /// Nil where the file cannot be read, or is not as it was: another run sees to that.
  private func details(of job: DetailsJob, root: [UInt8]) throws -> (UInt64, PictureDetails)? {
    guard
      let (bytes, status) = try? FileSystem.read(
        joined(root, job.picture.path), limit: decoder.maximumBytes),
      status.size == job.picture.size, status.modified == job.picture.modified
    else { return nil }
    return (job.id, try decoder.details(of: bytes))
  }
}
