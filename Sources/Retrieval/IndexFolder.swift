internal import Glibc

/// What lies where an index is to be.
enum IndexFolder {
  /// No such path, or a folder in which nothing was stored yet.
  case vacant
  /// A folder with a `data.mdb`.
  case index
  /// A folder of other things; one of their names.
  case foreign(String)

  init(_ path: String) throws(RetrievalError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw RetrievalError("\(path.debugDescription): no path of an index; give one (--index)")
    }
    guard let folder = opendir(path) else {
      switch errno {
      case ENOENT: self = .vacant
      case ENOTDIR:
        throw RetrievalError("\(path): not a folder; give the folder of an index (--index)")
      default: throw RetrievalError("\(path): \(String(cString: strerror(errno)))")
      }
      return
    }
    defer { closedir(folder) }
    var other: String?
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      switch name {
      // A run that was killed, or found the disk full, before it wrote anything leaves these.
      case ".", "..", "lock.mdb": continue
      case "data.mdb" where Self.isEmpty(path + "/data.mdb"): continue
      case "data.mdb":
        self = .index
        return
      default: other = name
      }
    }
    self = other.map { .foreign($0) } ?? .vacant
  }

  private static func isEmpty(_ file: String) -> Bool {
    (try? FileSystem.status(Array(file.utf8)))?.size == 0
  }

  /// Makes the folder and those above it.
  static func create(_ path: String) throws(RetrievalError) {
    var end = path.startIndex
    while end < path.endIndex {
      end = path[path.index(after: end)...].firstIndex(of: "/") ?? path.endIndex
      let folder = String(path[..<end])
      guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
        throw RetrievalError(
          "\(folder): cannot make the folder of an index (\(String(cString: strerror(errno)))); "
            + "give another one (--index)")
      }
    }
  }
}
