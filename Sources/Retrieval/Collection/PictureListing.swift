internal import Files
internal import Images
public import Store

/// The pictures that paths to files and folders stand for, for example for ``PictureCaptioner``.
public struct PictureListing: Sendable {
  /// What to read.
  public private(set) var paths: [[UInt8]] = []
  /// What each is called: relative to the folder where there is one, else as it was given.
  public private(set) var names: [[UInt8]] = []
  /// Files and folders that could not be looked at, and why.
  public private(set) var warnings: [String] = []

  /// The pictures of files and folders, the latter in the order of a sorted walk.
  public init(_ inputs: [[UInt8]]) throws(RetrievalError) {
    for bytes in inputs {
      guard (try? FileSystem.status(bytes))?.kind == .folder else {
        paths.append(bytes)
        names.append(bytes)
        continue
      }
      let scan = try asRetrievalError(.unreadableCollection) { try CollectionScan(root: bytes) }
      warnings += scan.unreadable.map { "\(printable(joined(bytes, $0.path))): \($0.error)" }
      paths += scan.pictures.map { joined(bytes, $0.path) }
      names += scan.pictures.map { inputs.count == 1 ? $0.path : joined(bytes, $0.path) }
    }
  }
}
