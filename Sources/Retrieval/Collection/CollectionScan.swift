import Captions
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

/// What lies in a collection: the pictures, in the order of a sorted walk, and what else there is.
///
/// A file is a picture if its extension says so; if its extension says nothing, its first bytes are
/// read.
///
/// Hidden files and folders are left out, and folders where a NAS or a desktop keeps thumbnails and deleted
/// files. Symbolic links to files are followed, to folders not, so that no walk runs in a circle.
struct CollectionScan: Sendable {
  private(set) var pictures: [FoundPicture] = []
  /// Files that are not read as pictures, and folders that are not searched; texts beside their pictures
  /// are not among them.
  private(set) var leftOut: [LeftOutFile] = []
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

  /// How many files and folders are left out, by kind.
  var leftOutCounts: [LeftOutKind: Int] {
    leftOut.reduce(into: [:]) { $0[$1.kind, default: 0] += 1 }
  }

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
    var others: [LeftOutFile] = []
    var sidecars: Set<[UInt8]> = []
    for entry in visible.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
      let path = joined(folder, entry.name)
      let isFolder = entry.kind == .folder || (entry.kind == .unknown && isRealFolder(path))
      guard isFolder || entry.kind != .other,
        !exclude.contains(where: { $0.matches(path, isFolder: isFolder) })
      else { continue }
      if isFolder {
        if LeftOutKind.systemFolders.contains(entry.name) {
          leftOut.append(LeftOutFile(path: path, kind: .systemFolder))
        } else {
          folders.append(path)
        }
        continue
      }
      let named = FileKind(extension: Self.extension(of: entry.name))
      do throws(FileError) {
        let status = try FileSystem.status(joined(root, path))
        if status.kind == .folder { others.append(LeftOutFile(path: path, kind: .linkedFolder)) }
        guard status.kind == .file else { continue }
        let kind = if let named { named } else { try kind(of: path) }
        switch kind {
        case .leftOut(let kind): others.append(LeftOutFile(path: path, kind: kind))
        case .picture:
          let sidecar = Sidecar.path(of: entry.name)
          let hasSidecar = texts.contains(sidecar)
          if hasSidecar { sidecars.insert(joined(folder, sidecar)) }
          pictures.append(
            FoundPicture(
              path: path, size: status.size, modified: status.modified, hasSidecar: hasSidecar))
        }
      } catch {
        // What is no picture by its name may be unreadable, and so may links that lead nowhere.
        if named == .picture || (named == nil && error != .system(ENOENT)) {
          unreadable.append((path, error))
        }
      }
    }
    leftOut += others.filter { !sidecars.contains($0.path) }
    return folders
  }

  /// What a file is by its first bytes.
  private func kind(of path: [UInt8]) throws(FileError) -> FileKind {
    let start = try FileSystem.read(
      joined(root, path), limit: ImageFormat.magicSize, truncate: true)
    return FileKind(magic: start.bytes, extension: Self.extension(of: path))
  }

  private func isRealFolder(_ path: [UInt8]) -> Bool {
    (try? FileSystem.status(joined(root, path), follow: false))?.kind == .folder
  }

  /// The extension of a name or path in lower case, or nothing.
  private static func `extension`(of path: [UInt8]) -> String {
    let name = path[((path.lastIndex(of: .slash) ?? -1) + 1)...]
    guard let dot = name.lastIndex(of: .dot), dot > name.startIndex else { return "" }
    return String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
  }
}

/// The folder of a collection, absolute and without symbolic links.
func collectionRoot(_ folder: String) throws(RetrievalError) -> [UInt8] {
  try asRetrievalError(.unreadableCollection) { try resolvedFolder(folder) }
}
