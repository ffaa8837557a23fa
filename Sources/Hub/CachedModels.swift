import FoundationEssentials
import Glibc

/// A model that lies in the cache.
package struct CachedModel: Sendable, Equatable {
  /// `OWNER/NAME`.
  package let name: String
  /// The branches and tags that are this commit; none where another commit took their place.
  package let revisions: [String]
  /// The commit's hash.
  package let commit: String
  /// The folder to give as a model.
  package let path: String
  /// Of its files, in bytes.
  package let size: Int
  /// All files of a model are there.
  package let isWhole: Bool
}

extension HubCache {
  /// The BLIP models in the cache, a commit each, by name.
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
        guard ModelKind(folder: snapshot)?.isBLIP == true else {
          return nil
        }
        return CachedModel(
          name: reference.name,
          revisions: revisions.filter { $0.commit == commit }.map(\.revision), commit: commit,
          path: snapshot, size: sizeOfFiles(in: snapshot), isWhole: isWhole(snapshot))
      }
  }

  /// Removes all that the cache has of a repository; the bytes that are freed.
  package func remove(_ reference: RepositoryReference) throws(HubError) -> Int {
    let folder = folder(of: reference)
    guard access(folder, F_OK) == 0 else {
      throw HubError("\(reference.name) is not in the cache \(path) (blip model list)")
    }
    let locks = "\(path)/.locks/\(reference.folderName)"
    var held: [FileLock] = []
    for name in entries(of: locks) {
      guard let lock = try FileLock.tryTaking("\(locks)/\(name)") else {
        throw HubError("\(reference.name) is being fetched by another process; wait for its end")
      }
      held.append(lock)
    }
    let size = sizeOfTree(folder)
    // Without its references it is no longer found, should what follows be cut off.
    for part in ["\(folder)/refs", folder, locks] where access(part, F_OK) == 0 {
      do { try FileManager.default.removeItem(atPath: part) } catch {
        throw HubError("\(part): cannot be removed; look at its permissions")
      }
    }
    return size
  }

  /// Names below a folder of references, which may hold slashes.
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

/// Bytes of the files that the entries of a model folder lead to.
package func sizeOfFiles(in snapshot: String) -> Int {
  entries(of: snapshot).reduce(0) { sum, name in
    var facts = stat()
    guard stat("\(snapshot)/\(name)", &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      return sum
    }
    return sum + Int(facts.st_size)
  }
}

/// Bytes of the files below a folder; links are not followed.
private func sizeOfTree(_ folder: String) -> Int {
  entries(of: folder).reduce(0) { sum, name in
    let path = "\(folder)/\(name)"
    var facts = stat()
    guard lstat(path, &facts) == 0 else { return sum }
    if facts.st_mode & S_IFMT == S_IFDIR { return sum + sizeOfTree(path) }
    return facts.st_mode & S_IFMT == S_IFREG ? sum + Int(facts.st_size) : sum
  }
}

private func kind(of path: String) -> mode_t {
  var facts = stat()
  return lstat(path, &facts) == 0 ? facts.st_mode & S_IFMT : 0
}
