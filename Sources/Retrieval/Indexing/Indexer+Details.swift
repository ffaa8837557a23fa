import BLIP
import Checkpoints
import Files
import Images
import Store
import Tensors

/// A picture that is as it was, of whose file the index lacks something that older versions did not store.
private struct ReadingJob: Sendable {
  let id: UInt64
  let picture: FoundPicture
  let lacksDetails, lacksSignature, lacksText: Bool
}

/// What was read of a picture's file; nil where it was not asked for, or cannot be read.
private struct Reading: Sendable {
  let id: UInt64
  var details: PictureDetails?
  var signature: PictureSignature?
  var shownText: String?
}

extension Indexer {
  /// Files that are read in one task, and into one transaction.
  private static let filesPerJob = 64
  /// The same where the text in pictures is read, which takes up to a second a picture.
  private static let filesPerJobWithText = 4

  /// Reads the details and signatures of pictures that were indexed before these were stored, and the text of
  /// those that were indexed without it; nothing is encoded. Returns whether all were done.
  func readDetails(
    of pictures: [FoundPicture], in store: IndexStore, shouldStop: @escaping @Sendable () -> Bool,
    report: (IndexingEvent) -> Void
  ) async throws -> Bool {
    if !MetadataReader.isAvailable {
      report(
        .warning(
          "libgexiv2 is not installed: titles, keywords, dates and places in picture files are not "
            + "read"))
    }
    let jobs = try readingJobs(for: pictures, in: store)
    guard !jobs.isEmpty else { return true }
    var done = 0
    let roots = store.metadata.roots
    let size = jobs.contains(where: \.lacksText) ? Self.filesPerJobWithText : Self.filesPerJob
    let groups = stride(from: 0, to: jobs.count, by: size).map {
      Array(jobs[$0..<min($0 + size, jobs.count)])
    }
    return try await concurrentMap(
      groups, inFlight: processors + 1, shouldStop: shouldStop,
      work: { group in
        (group.count, try group.compactMap { try reading(of: $0, in: roots) })
      },
      take: { (count, found) in
        try store.write { change in
          for reading in found {
            if let details = reading.details { try change.setDetails(details, of: reading.id) }
            if let signature = reading.signature {
              try change.setSignature(signature, of: reading.id)
            }
            if let text = reading.shownText { try change.setShownText(text, of: reading.id) }
          }
        }
        done += count
        report(.details(done, of: jobs.count))
      })
  }

  private func readingJobs(
    for pictures: [FoundPicture], in store: IndexStore
  ) throws -> [ReadingJob] {
    try store.read { snapshot in
      let count = try snapshot.pictureCount()
      let lacksDetails = try MetadataReader.isAvailable && snapshot.detailsCount() < count
      let lacksSignatures = try snapshot.signatureCount() < count
      let lacksTexts = try snapshot.readsText() && snapshot.shownTextCount() < count
      guard lacksDetails || lacksSignatures || lacksTexts else { return [] }
      return try pictures.compactMap { picture in
        guard let id = try snapshot.pictureID(path: picture.path),
          let record = try snapshot.picture(id), record.size == picture.size,
          record.modified == picture.modified
        else { return nil }
        let job = ReadingJob(
          id: id, picture: picture,
          lacksDetails: try lacksDetails && !snapshot.hasDetails(picture: id),
          lacksSignature: try lacksSignatures && !snapshot.hasSignature(picture: id),
          lacksText: try lacksTexts && !snapshot.hasShownText(picture: id))
        return job.lacksDetails || job.lacksSignature || job.lacksText ? job : nil
      }
    }
  }

  /// Nil where the file cannot be read, or is not as it was: another run sees to that.
  private func reading(of job: ReadingJob, in roots: CollectionRoots) throws -> Reading? {
    guard
      let (bytes, status) = try? FileSystem.readUnchanging(
        roots.location(of: job.picture.path), limit: decoder.maximumBytes),
      status.size == job.picture.size, status.modified == job.picture.modified
    else { return nil }
    var reading = Reading(id: job.id)
    if job.lacksDetails { reading.details = try decoder.details(of: bytes) }
    if job.lacksSignature {
      do {
        reading.signature = PictureSignature(
          of: try decoder.decode(bytes, forSide: model.folder.preprocessing.imageSize).picture)
      } catch is ImageError {}
    }
    if job.lacksText { reading.shownText = try decoder.text(in: bytes) }
    return reading
  }
}
