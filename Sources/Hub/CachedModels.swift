import Files
import FoundationEssentials
import Glibc

/// A model in the cache.
package struct CachedModel: Sendable, Equatable {
  /// `OWNER/NAME`.
  package let name: String
  /// The branches and tags that point to this commit; empty if all of them have moved to other
  /// commits.
  package let revisions: [String]
  /// The commit's hash.
  package let commit: String
  /// The model folder.
  package let path: String
  /// The total size of its files, in bytes.
  package let size: Int
  /// Whether all files of a model are present.
  package let isComplete: Bool
}

extension HubCache {
  /// The BLIP models in the cache, one per commit, sorted by name.
  package func models() -> [CachedModel] {
    entries(of: path).compactMap(RepositoryReference.name(ofFolder:))
      .compactMap { RepositoryReference($0) }
      .flatMap { models(of: $0) }
  }

  private func models(of reference: RepositoryReference) -> [CachedModel] {
    let folder = folder(of: reference)
    let revisions = references(below: "\(folder)/refs").compactMap { revision in
      RepositoryReference("\(reference.name)@\(revision)").flatMap { commit(of: $0) }.map {
        (revision: revision, commit: $0)
      }
    }
    return entries(of: "\(folder)/snapshots").filter { isHexadecimal($0, count: 40) }
      .compactMap { commit in
        let snapshot = snapshotFolder(of: reference, commit: commit)
        guard DeclaredKind(folder: snapshot)?.isBLIP == true else {
          return nil
        }
        return CachedModel(
          name: reference.name,
          revisions: revisions.filter { $0.commit == commit }.map(\.revision), commit: commit,
          path: snapshot, size: sizeOfFiles(in: snapshot), isComplete: isComplete(snapshot))
      }
  }

  /// Removes a repository from the cache; returns the number of bytes freed. Throws if it is not in
  /// the cache or is being fetched.
  package func remove(_ reference: RepositoryReference) throws(HubError) -> Int {
    let folder = folder(of: reference)
    guard access(folder, F_OK) == 0 else {
      throw HubError("\(reference.name) is not in the cache \(path)")
    }
    let locks = "\(path)/.locks/\(reference.folderName)"
    var held: [FileLock] = []
    for name in entries(of: locks) {
      guard let lock = try HubCache.tryLock("\(locks)/\(name)") else {
        throw HubError(
          "\(reference.name) is being fetched by another process; try again when it has finished")
      }
      held.append(lock)
    }
    let size = sizeOfTree(folder)
    // References first: without them the repository is no longer found if the removal is
    // interrupted.
    for part in ["\(folder)/refs", folder, locks] where access(part, F_OK) == 0 {
      do { try FileManager.default.removeItem(atPath: part) } catch {
        throw HubError("\(part): cannot be removed; check its permissions")
      }
    }
    return size
  }

  /// The names of the references in a folder; they may contain slashes.
  private func references(below folder: String, prefix: String = "", depth: Int = 0) -> [String] {
    guard depth < 4 else { return [] }
    return entries(of: folder).flatMap { name -> [String] in
      let isFolder = kind(of: "\(folder)/\(name)") == S_IFDIR
      return isFolder
        ? references(below: "\(folder)/\(name)", prefix: "\(prefix)\(name)/", depth: depth + 1)
        : ["\(prefix)\(name)"]
    }
  }
}

/// The total size of the files of a model folder, in bytes; links are followed.
package func sizeOfFiles(in snapshot: String) -> Int {
  entries(of: snapshot).reduce(0) { sum, name in
    var status = stat()
    guard stat("\(snapshot)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return sum
    }
    return sum + Int(status.st_size)
  }
}

/// The total size of the files below a folder, in bytes; links are not followed.
private func sizeOfTree(_ folder: String) -> Int {
  entries(of: folder).reduce(0) { sum, name in
    let path = "\(folder)/\(name)"
    var status = stat()
    guard lstat(path, &status) == 0 else { return sum }
    if status.st_mode & S_IFMT == S_IFDIR { return sum + sizeOfTree(path) }
    return status.st_mode & S_IFMT == S_IFREG ? sum + Int(status.st_size) : sum
  }
}

private func kind(of path: String) -> mode_t {
  var status = stat()
  return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
}
