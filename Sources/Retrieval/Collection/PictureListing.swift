internal import Files
internal import Images

/// The pictures that a path to a file or folder stands for.
package struct PictureListing: Sendable {
  /// What to read.
  package private(set) var paths: [[UInt8]] = []
  /// What each is called: relative to the folder where there is one, else as it was given.
  package private(set) var names: [[UInt8]] = []
  /// Files and folders that could not be looked at, and why.
  package private(set) var warnings: [String] = []

  /// The pictures of files and folders, the latter in the order of a sorted walk.
  package init(_ inputs: [String]) throws {
    for input in inputs {
      let bytes = Array(input.utf8)
      guard (try? FileSystem.status(bytes))?.kind == .folder else {
        paths.append(bytes)
        names.append(bytes)
        continue
      }
      let scan = try CollectionScan(root: bytes)
      warnings += scan.unreadable.map { "\(printable(joined(bytes, $0.path))): \($0.error)" }
      paths += scan.pictures.map { joined(bytes, $0.path) }
      names += scan.pictures.map { inputs.count == 1 ? $0.path : joined(bytes, $0.path) }
    }
  }
}
