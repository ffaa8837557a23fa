internal import Files
internal import Store

/// How the first stage of a search looks for candidates, and where.
public struct SearchOptions: Sendable, Equatable {
  /// Every vector is looked at, where otherwise a large index visits the likeliest lists.
  public var isExact: Bool
  /// Lists visited; nil takes what the index was measured to need for its recall.
  public var nprobe: Int?
  /// Only pictures below this folder: relative to the collection's root, or any path to a folder
  /// inside it. Nil: all.
  public var folder: String?

  /// As the index was made to be searched, unless said otherwise.
  public init(isExact: Bool = false, nprobe: Int? = nil, folder: String? = nil) {
    self.isExact = isExact
    self.nprobe = nprobe
    self.folder = folder
  }
}

extension SearchOptions {
  /// The pictures below the folder; nil where none is given. A folder that holds none of the
  /// index's pictures is an error: its name is wrong.
  func pictures(in snapshot: borrowing IndexSnapshot) throws -> Set<UInt64>? {
    guard let folder else { return nil }
    let metadata = snapshot.metadata
    let root = Array(metadata.collection.utf8)
    for path in Self.readings(of: folder, root: root) {
      let ids = try snapshot.pictures(under: path)
      if !ids.isEmpty { return ids }
    }
    throw RetrievalError(
      "the index holds no picture under \(printable(Array(folder.utf8))); name a folder inside the"
        + " collection \(printable(root)), such as the first part of a path that a search shows")
  }

  /// What a folder may mean, relative to the root, the likeliest first.
  private static func readings(of folder: String, root: [UInt8]) -> [[UInt8]] {
    let parts = folder.utf8.split(separator: .slash).filter { !$0.elementsEqual(".".utf8) }
    let plain = Array(parts.joined(separator: [.slash]))
    let absolute = [UInt8.slash] + plain
    var readings: [[UInt8]] = []
    if folder.utf8.first != .slash {
      readings.append(plain)
    } else if let inside = relative(absolute, to: root) {
      readings.append(inside)
    }
    if let resolved = try? FileSystem.resolved(Array(folder.utf8)),
      let inside = relative(resolved, to: root)
    {
      readings.append(inside)
    }
    return readings
  }
}
