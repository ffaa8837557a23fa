import FoundationEssentials
import Glibc

/// How a pull goes on.
package enum PullEvent: Sendable, Equatable {
  /// So many bytes in so many files are to come, of which some are here from an earlier run.
  case started(files: Int, bytes: Int, present: Int)
  /// So many of those bytes are here by now.
  case received(Int)
  /// Another process fetches the same file; this one waits for it.
  case waiting
  /// What went wrong, and after how many seconds it is tried again.
  case retrying(reason: String, seconds: Int)
  /// Without the hub, what the cache has is the answer, and why.
  case cached(reason: String)
}

/// A model that is in the cache now.
package struct PulledModel: Sendable, Equatable {
  /// The commit.
  package let commit: String
  /// The model folder.
  package let path: String
  /// The names of its files.
  package let files: [String]
  /// Bytes of the files that had to be fetched for it.
  package let fetched: Int
}

/// Fetches a model's files into the cache: what is there is kept, what comes is checked against the
/// hub's hash before it gets its name, and the revision points to the commit once all of it is there.
/// A pull can be cut off at any moment; the next one goes on from there.
package struct ModelPull: Sendable {
  let reference: RepositoryReference
  let cache: HubCache
  /// Waits so many seconds before another try.
  let pause: @Sendable (Int) async throws -> Void

  /// A pull; `pause` waits so many seconds before another try.
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

  /// Fetches what is not there. Where the hub cannot be asked, a model that is there will do.
  package func run(
    _ settings: HubSettings, report: (PullEvent) -> Void
  ) async throws -> PulledModel {
    // A commit never changes.
    if reference.isCommit, let present = present() { return present }
    if settings.isOffline {
      guard let present = present() else {
        throw HubError(
          "\(reference) is not in the cache \(cache.path), and HF_HUB_OFFLINE forbids to fetch it")
      }
      report(.cached(reason: "HF_HUB_OFFLINE is set"))
      return present
    }
    return try await HubConnection.open(settings) { try await run($0, report) }
  }

  private func run(
    _ connection: HubConnection, _ report: (PullEvent) -> Void
  ) async throws -> PulledModel {
    var retrying = Retrying()
    while true {
      let revision: RevisionFacts
      do { revision = try await connection.revision(reference) } catch {
        if case .refused(let refusal) = error { throw refusal }
        if let present = present() {
          report(.cached(reason: error.reason))
          return present
        }
        if case .unreachable(let reason) = error {
          throw HubError(
            "\(reason): is this machine online? Fetch \(reference) on one that is, and copy "
              + "\(reference.folderName) from its cache into \(cache.path)")
        }
        try await wait(after: error, &retrying, report)
        continue
      }
      return try await fetch(revision, connection, report)
    }
  }

  /// What the cache has.
  private func present() -> PulledModel? {
    guard let path = cache.snapshot(of: reference), let commit = cache.commit(of: reference),
      let files = try? ModelFiles(among: entries(of: path))
    else { return nil }
    return PulledModel(commit: commit, path: path, files: files.names, fetched: 0)
  }

  /// Fetches what a commit has and the cache has not.
  private func fetch(
    _ revision: RevisionFacts, _ connection: HubConnection, _ report: (PullEvent) -> Void
  ) async throws -> PulledModel {
    let commit = revision.sha
    let snapshot = cache.snapshotFolder(of: reference, commit: commit)
    let names: [String]
    do { names = try ModelFiles(among: revision.files).names } catch {
      throw HubError("\(reference) is no model that blip can use: \(error)")
    }
    let missing = names.filter { access("\(snapshot)/\($0)", R_OK) != 0 }
    if !missing.contains("config.json") { try checkKind(snapshot) }
    var files: [FileFacts] = []
    for name in missing {
      files.append(
        try await patiently(report) { () async throws(RequestFailure) in
          try await connection.facts(of: name, in: reference.name, commit: commit)
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
      // Before the weights come.
      if file.name == "config.json" { try checkKind(snapshot) }
    }
    try cache.setCommit(commit, of: reference)
    return PulledModel(commit: commit, path: snapshot, files: names, fetched: total.fetched)
  }

  private func checkKind(_ snapshot: String) throws(HubError) {
    guard let kind = ModelKind(folder: snapshot) else {
      throw HubError("\(reference): its config.json is no configuration of a model")
    }
    guard kind.isBLIP else {
      throw HubError("\(reference) is a model of the kind \"\(kind.modelType)\", not a BLIP")
    }
  }

  /// A full disk is told before it is full.
  private func checkSpace(for bytes: Int) throws(HubError) {
    var facts = statvfs()
    guard statvfs(cache.path, &facts) == 0 else { return }
    let (free, isHuge) = Int(clamping: facts.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: facts.f_frsize))
    guard isHuge || free >= bytes else {
      throw HubError(
        "\(cache.path): \(reference) needs \(bytes >> 20) MiB, and \(free >> 20) MiB are free; make "
          + "room, or put the cache elsewhere with HF_HOME")
    }
  }

  /// Asks again where that may help.
  private func patiently<Value>(
    _ report: (PullEvent) -> Void, _ ask: () async throws(RequestFailure) -> Value
  ) async throws -> Value {
    var retrying = Retrying()
    while true {
      do { return try await ask() } catch { try await wait(after: error, &retrying, report) }
    }
  }

  /// Waits for the next try; throws where there is none.
  func wait(
    after failure: RequestFailure, _ retrying: inout Retrying, _ report: (PullEvent) -> Void
  ) async throws {
    let seconds = try retrying.wait(after: failure)
    report(.retrying(reason: failure.reason, seconds: seconds))
    try await pause(seconds)
  }
}
