import Files
import FoundationEssentials
import Glibc

/// The cache folder of huggingface_hub, shared with every program that uses it:
///
///     models--OWNER--NAME/blobs/ETAG
///     models--OWNER--NAME/refs/REVISION             the commit it last pointed to
///     models--OWNER--NAME/snapshots/COMMIT/FILE  -> ../../blobs/ETAG
///     .locks/models--OWNER--NAME/ETAG.lock
package struct HubCache: Sendable {
  /// The path of the cache, which need not exist yet.
  package let path: String

  /// A cache at a given path.
  package init(path: String) { self.path = path }

  /// `$HF_HUB_CACHE`, else `hub` in `$HF_HOME`, `$XDG_CACHE_HOME/huggingface` or
  /// `~/.cache/huggingface`. Empty variables count as unset.
  package init(environment: (String) -> String?) throws(HubError) {
    let given = environment("HF_HUB_CACHE").flatMap { $0.isEmpty ? nil : $0 }
    if let given {
      path = Self.expanded(given, environment)
    } else if let home = Self.home(environment: environment) {
      path = home + "/hub"
    } else {
      throw HubError("$HOME is not set; set HF_HOME to the folder for cached models")
    }
  }

  /// The folder of all of huggingface_hub's files.
  static func home(environment: (String) -> String?) -> String? {
    func value(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
    if let home = value("HF_HOME") { return expanded(home, environment) }
    if let caches = value("XDG_CACHE_HOME") { return caches + "/huggingface" }
    return value("HOME").map { $0 + "/.cache/huggingface" }
  }

  private static func expanded(_ path: String, _ environment: (String) -> String?) -> String {
    guard path.hasPrefix("~/"), let home = environment("HOME") else { return path }
    return home + path.dropFirst()
  }

  /// Takes the lock that huggingface_hub also takes while it writes a blob; returns nil if another
  /// process holds it.
  static func tryLock(_ path: String) throws(HubError) -> FileLock? {
    do throws(FileError) { return try FileLock.tryTaking(path) } catch {
      throw HubError.system(path, error.code)
    }
  }

  /// The folder of a model at the commit that its revision pointed to when last fetched; nil if it
  /// is not cached completely.
  package func snapshot(of reference: RepositoryReference) -> String? {
    guard let commit = commit(of: reference) else { return nil }
    let folder = snapshotFolder(of: reference, commit: commit)
    return isComplete(folder) ? folder : nil
  }

  /// The commit that a revision pointed to when last fetched; nil if it never was.
  func commit(of reference: RepositoryReference) -> String? {
    if reference.isCommit { return reference.revision }
    let bytes = readSmallFile("\(folder(of: reference))/refs/\(reference.revision)") ?? Data()
    let commit =
      String(decoding: bytes, as: UTF8.self)
      .split(whereSeparator: \.isWhitespace).first ?? ""
    return isHexadecimal(commit, count: 40) ? String(commit) : nil
  }

  /// Whether a snapshot contains all files of a model.
  func isComplete(_ snapshot: String) -> Bool {
    // Links to missing blobs do not count.
    let names = entries(of: snapshot).filter { access("\(snapshot)/\($0)", R_OK) == 0 }
    return (try? ModelFiles(among: names)) != nil
  }

  func folder(of reference: RepositoryReference) -> String { "\(path)/\(reference.folderName)" }

  func snapshotFolder(of reference: RepositoryReference, commit: String) -> String {
    "\(folder(of: reference))/snapshots/\(commit)"
  }

  func blob(_ etag: String, of reference: RepositoryReference) -> String {
    "\(folder(of: reference))/blobs/\(etag)"
  }

  func lock(_ etag: String, of reference: RepositoryReference) -> String {
    "\(path)/.locks/\(reference.folderName)/\(etag).lock"
  }

  /// Links a blob into a snapshot under its file name.
  func link(
    _ name: String, to etag: String, of reference: RepositoryReference, commit: String
  ) throws(HubError) {
    let folder = snapshotFolder(of: reference, commit: commit)
    try makeFolder(folder)
    let file = "\(folder)/\(name)"
    // Atomically, so that another program doing the same is not disturbed.
    let temporary = "\(file).\(getpid()).tmp"
    unlink(temporary)
    guard symlink("../../blobs/\(etag)", temporary) == 0, rename(temporary, file) == 0 else {
      throw .system(file)
    }
  }

  /// Records the commit that a revision points to.
  func setCommit(_ commit: String, of reference: RepositoryReference) throws(HubError) {
    guard !reference.isCommit, self.commit(of: reference) != commit else { return }
    let file = "\(folder(of: reference))/refs/\(reference.revision)"
    try makeFolder(String(file[..<file.lastIndex(of: "/")!]))
    do throws(PathError) { try AtomicFile.write(Array(commit.utf8), to: file) } catch {
      throw HubError(error.description)
    }
  }
}

/// The names in a folder, sorted; empty if it cannot be read.
func entries(of folder: String) -> [String] {
  ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
}

/// Creates a folder and its parents.
func makeFolder(_ path: String) throws(HubError) {
  if mkdir(path, 0o777) == 0 || errno == EEXIST { return }
  guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
    throw .system(path)
  }
  try makeFolder(String(path[..<slash]))
  guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw .system(path) }
}

/// The contents of a regular file of at most 16 MiB; nil if it is larger, of another kind or
/// unreadable.
func readSmallFile(_ path: String) -> Data? {
  var status = stat()
  guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= 16 << 20
  else {
    return nil
  }
  return FileManager.default.contents(atPath: path)
}
