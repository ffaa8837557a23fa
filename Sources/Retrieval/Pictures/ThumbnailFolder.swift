internal import Files
internal import Store
import Synchronization

/// The small versions of an index's pictures that were made before: files in the folder `thumbnails` beside
/// `data.mdb`, named after the content of the picture. They take a bounded space: the oldest give way.
///
/// Where the folder cannot be written, nothing is kept.
final class ThumbnailFolder: Sendable {
  /// The most bytes that are kept, about 100,000 small pictures.
  static let mostBytes = 2 << 30

  private let path: String
  private let mostBytes: Int
  /// The bytes of all files; nil before they were counted.
  private let bytes = Mutex<Int?>(nil)

  init(index: String, mostBytes: Int = ThumbnailFolder.mostBytes) {
    path = "\(index)/\(IndexFolder.thumbnails)"
    self.mostBytes = mostBytes
  }

  /// What was stored under a name; nil where nothing was.
  func read(_ name: String) -> [UInt8]? {
    (try? FileSystem.read(Array("\(path)/\(name)".utf8), limit: 16 << 20))?.bytes
  }

  /// Keeps a file, and removes old ones where they are too many.
  func store(_ contents: [UInt8], as name: String) {
    do {
      try FileSystem.makeFolder(Array(path.utf8))
      let file = try AtomicFile("\(path)/\(name)")
      try file.write(contents)
      try file.commit()
    } catch { return }
    bytes.withLock { bytes in
      bytes = (bytes ?? files().reduce(0) { $0 + $1.size } - contents.count) + contents.count
      if bytes! > mostBytes { bytes = removeOldest() }
    }
  }

  /// Removes the oldest files until a tenth of the space is free; returns the bytes that are left.
  private func removeOldest() -> Int {
    var files = files().sorted { $0.modified > $1.modified }
    var left = files.reduce(0) { $0 + $1.size }
    while left > mostBytes / 10 * 9, let oldest = files.popLast() {
      FileSystem.remove(oldest.path)
      left -= oldest.size
    }
    return left
  }

  private func files() -> [(path: [UInt8], size: Int, modified: Int64)] {
    let folder = Array(path.utf8)
    return ((try? FileSystem.entries(ofFolder: folder)) ?? []).compactMap { entry in
      let path = joined(folder, entry.name)
      guard let status = try? FileSystem.status(path, follow: false), status.kind == .file else {
        return nil
      }
      return (path, Int(clamping: status.size), status.modified)
    }
  }
}
