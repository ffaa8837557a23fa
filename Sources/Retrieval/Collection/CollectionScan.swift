import Files
import Glibc
import Images
import Store

/// A picture that the walk through a collection found.
struct FoundPicture: Sendable, Equatable {
  /// Relative to the collection root.
  let path: [UInt8]
  let size: UInt64
  /// Nanoseconds since 1970.
  let modified: Int64
  /// Whether `picture.txt` lies beside `picture.png`.
  let hasSidecar: Bool
}

/// What lies in a collection: the pictures, by their extensions, in the order of a sorted walk.
///
/// Hidden files and folders are left out. Symbolic links to files are followed, to folders not, so
/// that no walk runs in a circle.
struct CollectionScan: Sendable {
  private(set) var pictures: [FoundPicture] = []
  /// Files and folders that the system would not show, and why. What an index holds of them stands.
  private(set) var unreadable: [(path: [UInt8], error: FileError)] = []
  /// The walk was stopped before its end.
  private(set) var interrupted = false

  private let root: [UInt8]
  private let exclude: [GlobPattern]

  /// Walks through `root`. A missing folder, or something other than a folder, is an error.
  init(root: [UInt8], exclude: [GlobPattern] = [], shouldStop: () -> Bool = { false })
    throws(RetrievalError)
  {
    self.root = root
    self.exclude = exclude
    let name = printable(root)
    let status: FileStatus
    do { status = try FileSystem.status(root) } catch {
      throw RetrievalError(
        .unreadableCollection, "\(name): \(error); name the folder that holds the pictures")
    }
    guard status.kind == .folder else {
      throw RetrievalError(
        .unreadableCollection,
        "\(name) is not a folder; name the folder that holds the pictures")
    }
    do { _ = try FileSystem.entries(ofFolder: root) } catch {
      throw RetrievalError(.unreadableCollection, "\(name) cannot be read: \(error)")
    }
    var folders: [[UInt8]] = [[]]
    while let folder = folders.popLast() {
      if shouldStop() {
        interrupted = true
        return
      }
      folders += visit(folder).reversed()
    }
  }

  /// Leaves out what is not one of `paths`.
  mutating func keep(only paths: Set<[UInt8]>) { pictures.removeAll { !paths.contains($0.path) } }

  /// Whether a path may still exist although the walk did not find it: it lies in a folder, or is
  /// a file, that could not be read. A link that leads nowhere hides nothing.
  func hides(_ path: [UInt8]) -> Bool {
    unreadable.contains {
      $0.error != .system(ENOENT) && (path.starts(with: $0.path + [.slash]) || path == $0.path)
    }
  }

  /// Whether a path is left out on demand, itself or with a folder above it.
  func excludes(_ path: [UInt8]) -> Bool {
    let folders = path.indices.filter { path[$0] == .slash }.map { Array(path[..<$0]) }
    return exclude.contains { pattern in
      pattern.matches(path, isFolder: false)
        || folders.contains { pattern.matches($0, isFolder: true) }
    }
  }

  /// Takes up the pictures of one folder; returns its folders, sorted.
  private mutating func visit(_ folder: [UInt8]) -> [[UInt8]] {
    let place = joined(root, folder)
    let entries: [FolderEntry]
    do { entries = try FileSystem.entries(ofFolder: place) } catch {
      unreadable.append((folder, error))
      return []
    }
    let visible = entries.filter { $0.name.first != .dot }
    let texts = Set(visible.lazy.map(\.name).filter { Self.extension(of: $0) == "txt" })
    var folders: [[UInt8]] = []
    for entry in visible.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
      let path = joined(folder, entry.name)
      let isFolder = entry.kind == .folder || (entry.kind == .unknown && isRealFolder(path))
      let isPicture =
        !isFolder && entry.kind != .other
        && ImageDecoder.extensions.contains(Self.extension(of: entry.name))
      guard isFolder || isPicture,
        !exclude.contains(where: { $0.matches(path, isFolder: isFolder) })
      else { continue }
      if isFolder {
        folders.append(path)
        continue
      }
      do {
        let status = try FileSystem.status(joined(root, path))
        guard status.kind == .file else { continue }
        pictures.append(
          FoundPicture(
            path: path, size: status.size, modified: status.modified,
            hasSidecar: texts.contains(Sidecar.path(of: entry.name))))
      } catch {
        unreadable.append((path, error))
      }
    }
    return folders
  }

  private func isRealFolder(_ path: [UInt8]) -> Bool {
    (try? FileSystem.status(joined(root, path), follow: false))?.kind == .folder
  }

  /// The extension of a name in lower case, or nothing.
  private static func `extension`(of name: [UInt8]) -> String {
    guard let dot = name.lastIndex(of: .dot), dot > 0 else { return "" }
    return String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
  }
}

/// The folder of a collection, absolute and without symbolic links.
func collectionRoot(_ folder: String) throws(RetrievalError) -> [UInt8] {
  try asRetrievalError(.unreadableCollection) { try resolvedFolder(folder) }
}
