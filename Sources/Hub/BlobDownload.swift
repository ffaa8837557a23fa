import AsyncHTTPClient
import Files
import Glibc
import NIOCore

/// The bytes that a pull has to fetch, and how many of them are already present.
struct DownloadTotal {
  /// The size of all blobs that are not in the cache.
  private(set) var bytes = 0
  /// The part of `bytes` that an earlier run has already fetched.
  private(set) var present = 0
  /// The size of the blobs that have been fetched.
  private(set) var fetched = 0

  init(_ files: [RemoteFile], in cache: HubCache, of reference: RepositoryReference) {
    var seen: Set<String> = []
    for file in files where seen.insert(file.blob.digits).inserted {
      let blob = cache.blob(file.blob.digits, of: reference)
      guard access(blob, F_OK) != 0 else { continue }
      bytes += file.size
      var status = stat()
      if stat("\(blob).incomplete", &status) == 0 {
        present += min(file.size, max(0, Int(status.st_size)))
      }
    }
  }

  mutating func finish(_ file: RemoteFile) { fetched += file.size }
}

extension ModelPull {
  /// Downloads a file's blob into the cache unless it is already there.
  func download(
    _ file: RemoteFile, commit: String, _ connection: HubConnection, _ total: inout DownloadTotal,
    _ report: (PullEvent) -> Void
  ) async throws {
    let blob = cache.blob(file.blob.digits, of: reference)
    if access(blob, F_OK) == 0 { return }
    let lock = try await takeLock(of: file, report)
    defer { withExtendedLifetime(lock) {} }
    // Another process may have fetched it in the meantime.
    if access(blob, F_OK) == 0 { return }

    var incomplete = try IncompleteBlob(path: "\(blob).incomplete")
    if incomplete.size > file.size { try incomplete.empty() }
    var retry = RetryState()
    while incomplete.size < file.size {
      let before = incomplete.size
      do {
        try await receive(file, commit: commit, connection, into: &incomplete) {
          report(.received(total.fetched + $0))
        }
      } catch {
        if incomplete.size > before { retry.succeeded() }
        try await wait(after: error, &retry, report)
      }
    }
    let hash = try incomplete.hash(as: file.blob)
    guard hash == file.blob.digits else {
      incomplete.discard()
      throw HubError(
        "\(reference.name)/\(file.name): the downloaded file has the hash \(hash.prefix(12))…, not "
          + "\(file.blob.digits.prefix(12))…, and was deleted; it was corrupted in transit; try again"
      )
    }
    try incomplete.place(at: blob)
    total.finish(file)
  }

  private func takeLock(
    of file: RemoteFile, _ report: (PullEvent) -> Void
  ) async throws -> FileLock {
    let path = cache.lock(file.blob.digits, of: reference)
    var isWaiting = false
    while true {
      if let lock = try HubCache.tryLock(path) { return lock }
      if !isWaiting { report(.waiting) }
      isWaiting = true
      try await Task.sleep(for: .milliseconds(100))
    }
  }

  /// Receives the missing part of a file until the connection ends.
  private func receive(
    _ file: RemoteFile, commit: String, _ connection: HubConnection,
    into incomplete: inout IncompleteBlob, _ report: (Int) -> Void
  ) async throws(RequestFailure) {
    let (body, start, host) = try await connection.bytes(
      of: file.name, in: reference.name, commit: commit, from: incomplete.size)
    do {
      // A server without range support starts from the beginning.
      if start < incomplete.size { try incomplete.empty() }
      for try await piece in body {
        guard piece.readableBytes <= file.size - incomplete.size else {
          throw HubError(
            "\(reference.name)/\(file.name): \(host) sent more than the file's \(file.size) bytes")
        }
        try piece.withUnsafeReadableBytes { try incomplete.append($0) }
        report(incomplete.size)
      }
    } catch { throw RequestFailure(error, host: host) }
    if incomplete.size < file.size { throw .broken("\(host) closed the connection early") }
  }
}
