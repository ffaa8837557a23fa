import FoundationEssentials
import Glibc

/// A folder that appears complete or not at all: created next to its final place, then renamed.
package final class NewFolder {
  private let path: String
  /// Where it is until then.
  package let temporary: String
  private var isCommitted = false

  /// Refuses a place that holds something.
  package init(_ path: String) throws(PathError) {
    self.path = path
    let target = try Self.vacant(path)
    temporary = "\(target).\(getpid()).tmp"
    do {
      try FileManager.default.createDirectory(
        atPath: temporary, withIntermediateDirectories: true)
    } catch { throw PathError(path, "the folder cannot be made; give another one") }
  }

  deinit {
    if !isCommitted { try? FileManager.default.removeItem(atPath: temporary) }
  }

  /// The path of a file to be written, in a folder that is made for it.
  package func place(of file: String) throws(PathError) -> String {
    let place = "\(temporary)/\(file)"
    do {
      try FileManager.default.createDirectory(
        atPath: String(place[..<place.lastIndex(of: "/")!]), withIntermediateDirectories: true)
    } catch { throw PathError(path, "a folder in it cannot be made") }
    return place
  }

  /// Puts the folder in its place, which may be an empty folder.
  package func commit() throws(PathError) {
    let place = try Self.vacant(path)
    do throws(FileError) { try FileSystem.rename(temporary, to: place) } catch {
      throw PathError(path, "cannot be written: \(error)")
    }
    isCommitted = true
  }

  /// Where nothing is or an empty folder, without symbolic links and slashes at its end.
  private static func vacant(_ path: String) throws(PathError) -> String {
    guard access(path, F_OK) == 0 else {
      let end = path.lastIndex { $0 != "/" }
      return end.map { String(path[...$0]) } ?? path
    }
    guard let entries = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw PathError(path, "no folder that can be read; give a new one")
    }
    guard entries.isEmpty else {
      throw PathError(path, "holds other things; give a new or an empty folder")
    }
    guard let resolved = realpath(path, nil) else {
      throw PathError(path, "\(String(cString: strerror(errno))); give a new folder")
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
