import FoundationEssentials
import Glibc

/// The progress of a pull.
package enum PullEvent: Sendable, Equatable {
  /// The pull needs `files` files of `bytes` bytes in total, of which `present` are left from an
  /// earlier run.
  case started(files: Int, bytes: Int, present: Int)
  /// The number of those bytes received so far.
  case received(Int)
  /// Another process is fetching the same file; this one waits for it.
  case waiting
  /// A request failed and will be retried after `seconds` seconds.
  case retrying(reason: String, seconds: Int)
  /// The hub was not used, for the given reason; the cached model is the result.
  case cached(reason: String)
}

/// The cached model that a pull results in.
package struct PulledModel: Sendable, Equatable {
  /// The commit's hash.
  package let commit: String
  /// The model folder.
  package let path: String
  /// The names of its files.
  package let files: [String]
  /// The number of bytes fetched.
  package let fetched: Int
}

/// Fetches a model's files into the cache. Files that are present are kept; downloads are verified
/// against the hub's hash before they get their final names; the revision points to the commit once
/// all files are present. A pull can be interrupted at any time; the next one resumes it.
package struct ModelPull: Sendable {
  let reference: RepositoryReference
  let cache: HubCache
  /// Waits the given number of seconds before a retry.
  let pause: @Sendable (Int) async throws -> Void

  /// A pull of `reference` into `cache`; `pause` waits the given number of seconds before a retry.
  package init(
    _ reference: RepositoryReference, cache: HubCache,
    pause: @escaping @Sendable (Int) async throws -> Void = {
      try await Task.sleep(for: .seconds($0))
    }
  ) {
    self.reference = reference
    self.cache = cache
    self.pause = pause
  }

  /// Fetches missing files. If the hub is unreachable, a complete cached model is used instead;
  /// without one, an error is thrown.
  package func run(
    _ settings: HubSettings, report: (PullEvent) -> Void
  ) async throws -> PulledModel {
    // A commit's contents never change.
    if reference.isCommit, let present = present() { return present }
    if settings.isOffline {
      guard let present = present() else {
        throw HubError(
          "\(reference) is not in the cache \(cache.path), and HF_HUB_OFFLINE forbids fetching it")
      }
      report(.cached(reason: "HF_HUB_OFFLINE is set"))
      return present
    }
    return try await HubConnection.open(settings) { try await run($0, report) }
  }

  private func run(
    _ connection: HubConnection, _ report: (PullEvent) -> Void
  ) async throws -> PulledModel {
    var retry = RetryState()
    while true {
      let revision: RemoteRevision
      do { revision = try await connection.revision(reference) } catch {
        if case .refused(let refusal) = error { throw refusal }
        if let present = present() {
          report(.cached(reason: error.reason))
          return present
        }
        if case .unreachable(let reason) = error {
          throw HubError(
            "\(reason): is this machine online? Otherwise fetch \(reference) on another machine and "
              + "copy \(reference.folderName) from its cache to \(cache.path)")
        }
        try await wait(after: error, &retry, report)
        continue
      }
      return try await fetch(revision, connection, report)
    }
  }

  /// The complete model in the cache, if there is one.
  private func present() -> PulledModel? {
    guard let path = cache.snapshot(of: reference), let commit = cache.commit(of: reference),
      let files = try? ModelFiles(among: entries(of: path))
    else { return nil }
    return PulledModel(commit: commit, path: path, files: files.names, fetched: 0)
  }

  /// Fetches the files of a commit that are not in the cache.
  private func fetch(
    _ revision: RemoteRevision, _ connection: HubConnection, _ report: (PullEvent) -> Void
  ) async throws -> PulledModel {
    let commit = revision.sha
    let snapshot = cache.snapshotFolder(of: reference, commit: commit)
    let names: [String]
    do { names = try ModelFiles(among: revision.files).names } catch {
      throw HubError("\(reference) is not a model that blip can use: \(error)")
    }
    let missing = names.filter { access("\(snapshot)/\($0)", R_OK) != 0 }
    if !missing.contains("config.json") { try checkKind(snapshot) }
    var files: [RemoteFile] = []
    for name in missing {
      files.append(
        try await retrying(report) { () async throws(RequestFailure) in
          try await connection.metadata(of: name, in: reference.name, commit: commit)
        })
    }
    for folder in [
      cache.blob("", of: reference), snapshot, cache.lock("", of: reference),
    ] { try makeFolder(String(folder[..<folder.lastIndex(of: "/")!])) }

    var total = DownloadTotal(files, in: cache, of: reference)
    try checkSpace(for: total.bytes - total.present)
    if total.bytes > 0 {
      report(.started(files: files.count, bytes: total.bytes, present: total.present))
    }
    for file in files {
      try await download(file, commit: commit, connection, &total, report)
      try cache.link(file.name, to: file.blob.digits, of: reference, commit: commit)
      // Check before fetching the weights.
      if file.name == "config.json" { try checkKind(snapshot) }
    }
    try cache.setCommit(commit, of: reference)
    return PulledModel(commit: commit, path: snapshot, files: names, fetched: total.fetched)
  }

  private func checkKind(_ snapshot: String) throws(HubError) {
    guard let kind = DeclaredKind(folder: snapshot) else {
      throw HubError("\(reference): its config.json is not a model configuration")
    }
    guard kind.isBLIP else {
      throw HubError("\(reference) is not a BLIP model (its config.json has another model_type)")
    }
  }

  /// Checks the free disk space before downloading.
  private func checkSpace(for bytes: Int) throws(HubError) {
    var status = statvfs()
    guard statvfs(cache.path, &status) == 0 else { return }
    let (free, isHuge) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: status.f_frsize))
    guard isHuge || free >= bytes else {
      throw HubError(
        "\(cache.path): \(reference) needs \(bytes >> 20) MiB, but only \(free >> 20) MiB are free; "
          + "free some space, or move the cache with HF_HOME")
    }
  }

  /// Sends a request, retrying failures that may be temporary.
  private func retrying<Value>(
    _ report: (PullEvent) -> Void, _ ask: () async throws(RequestFailure) -> Value
  ) async throws -> Value {
    var retry = RetryState()
    while true {
      do { return try await ask() } catch { try await wait(after: error, &retry, report) }
    }
  }

  /// Waits before the next attempt; throws if there should be none.
  func wait(
    after failure: RequestFailure, _ retry: inout RetryState, _ report: (PullEvent) -> Void
  ) async throws {
    let seconds = try retry.wait(after: failure)
    report(.retrying(reason: failure.reason, seconds: seconds))
    try await pause(seconds)
  }
}
