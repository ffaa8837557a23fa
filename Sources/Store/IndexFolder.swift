internal import Glibc
internal import LMDB

/// What exists where an index is to be created.
package enum IndexFolder {
  /// The subfolder of small pictures that a server has made; it can be deleted at any time.
  package static let thumbnails = "thumbnails"

  /// No such path, or a folder in which nothing was stored yet.
  case vacant
  /// A folder with a `data.mdb`.
  case index
  /// A folder of other things; one of their names.
  case foreign(String)

  package init(_ path: String) throws(RetrievalError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw RetrievalError(
        .invalidIndexPath, "\(path.debugDescription): not a valid index path")
    }
    guard let folder = opendir(path) else {
      switch errno {
      case ENOENT: self = .vacant
      case ENOTDIR:
        throw RetrievalError(.invalidIndexPath, "\(path): not a directory")
      default: throw RetrievalError("\(path): \(String(cString: strerror(errno)))")
      }
      return
    }
    defer { closedir(folder) }
    var other: String?
    while let name = nextName(in: folder) {
      switch name {
      // A run that was killed, or found the disk full, before it wrote anything leaves locks and an
      // unwritten file; who deletes data.mdb alone, also what a compaction that was killed has left.
      case ".", "..", "lock.mdb", WriterLock.fileName, FileReplacement.temporaryName,
        ExclusiveRequest.fileName, RunProgress.fileName, Self.thumbnails:
        continue
      case let name where SettingsFile.isName(name): continue
      case "data.mdb" where Environment.isUnwritten(path): continue
      case "data.mdb":
        self = .index
        return
      default: other = name
      }
    }
    self = other.map { .foreign($0) } ?? .vacant
  }

  /// Throws where there is something else than an index.
  package static func requireVacant(_ path: String) throws(RetrievalError) {
    if case .foreign(let name) = try IndexFolder(path) { throw occupied(path, by: name) }
  }

  static func occupied(_ path: String, by name: String) -> RetrievalError {
    RetrievalError(
      .notAnIndex,
      "\(path): not an index directory: it has other contents (\(name))")
  }

  /// Makes the folder for an index that is to be written, where there is none; one that holds other
  /// things is an error, and so is one that is not on a disk of this machine.
  package static func prepare(_ path: String) throws(RetrievalError) {
    switch try IndexFolder(path) {
    case .index: break
    case .vacant: try create(path)
    case .foreign(let name):
      throw occupied(path, by: name)
    }
    if let network = NetworkFileSystem.name(of: path) {
      throw RetrievalError(
        .networkFileSystem,
        "\(path): on a network file system (\(network)), where locks of other machines are not "
          + "seen; keep the index on a disk of this machine")
    }
  }

  /// Removes the folder of an index; one with other things in it is left with these.
  package static func remove(_ path: String) throws(RetrievalError) {
    var names = [
      "data.mdb", "lock.mdb", WriterLock.fileName, ExclusiveRequest.fileName, RunProgress.fileName,
    ]
    let small = "\(path)/\(thumbnails)"
    if let folder = opendir(small) {
      while let name = nextName(in: folder) { unlink("\(small)/\(name)") }
      closedir(folder)
      rmdir(small)
    }
    if let folder = opendir(path) {
      while let name = nextName(in: folder) {
        if SettingsFile.isName(name) { names.append(name) }
      }
      closedir(folder)
    }
    for name in names {
      guard unlink("\(path)/\(name)") == 0 || errno == ENOENT else { throw unremovable(path) }
    }
    guard rmdir(path) == 0 || errno == ENOENT else { throw unremovable(path) }
  }

  private static func unremovable(_ path: String) -> RetrievalError {
    RetrievalError(
      "\(path): what is left of an index cannot be removed (\(String(cString: strerror(errno)))); "
        + "remove it yourself")
  }

  /// Makes the folder and those above it.
  private static func create(_ path: String) throws(RetrievalError) {
    var end = path.startIndex
    while end < path.endIndex {
      end = path[path.index(after: end)...].firstIndex(of: "/") ?? path.endIndex
      let folder = String(path[..<end])
      guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
        throw RetrievalError(
          .invalidIndexPath,
          "\(folder): cannot create the index directory (\(String(cString: strerror(errno))))")
      }
    }
  }
}

/// The next name in a folder that is read; nil at its end.
private func nextName(in folder: OpaquePointer) -> String? {
  guard let entry = readdir(folder) else { return nil }
  return withUnsafePointer(to: &entry.pointee.d_name) {
    $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
  }
}
