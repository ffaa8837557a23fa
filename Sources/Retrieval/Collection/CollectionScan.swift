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
/// Hidden files and folders are left out, folders where a NAS or a desktop keeps thumbnails and deleted files,
/// and what the user wants left out (`IgnoreRules`), who may also keep what is left out otherwise. Symbolic
/// links to files are followed; those to folders only where that is asked for, each folder once, so that no
/// walk runs in a circle.
struct CollectionScan: Sendable {
  private(set) var pictures: [FoundPicture] = []
  /// Files that are not read as pictures, and folders that are not searched; texts beside their pictures
  /// are not among them.
  private(set) var leftOut: [LeftOutFile] = []
  /// Files and folders that the system would not show, and why. What an index holds of them stands.
  private(set) var unreadable: [(path: [UInt8], error: FileError)] = []
  /// Folders of whose contents it is not known what should be left out.
  private var unknown: [[UInt8]] = []
  /// The walk was stopped before its end.
  private(set) var interrupted = false

  private let root: [UInt8]
  private let followsLinks: Bool
  private var rules: IgnoreRules
  /// Links to folders, which are searched after all others: a folder that lies in the collection itself is
  /// found there.
  private var linkedFolders: [[UInt8]] = []
  /// The folders searched so far; kept up where links are followed.
  private var searched: Set<FileStatus.Identity> = []

  /// Walks through `root`. A missing folder, or something other than a folder, is an error.
  init(
    root: [UInt8], settings: CollectionSettings = CollectionSettings(),
    shouldStop: () -> Bool = { false }
  ) throws(RetrievalError) {
    self.root = root
    followsLinks = settings.followsLinks
    rules = try IgnoreRules(settings.exclude)
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
    while let folder = folders.popLast() ?? nextLinkedFolder() {
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
    let places = unknown + unreadable.filter { $0.error != .system(ENOENT) }.map(\.path)
    return places.contains { $0 == path || relative(path, to: $0) != nil || $0.isEmpty }
  }

  /// Whether a path is left out on demand, itself or with a folder above it.
  func excludes(_ path: [UInt8]) -> Bool { rules.leavesOut(path) }

  private mutating func nextLinkedFolder() -> [UInt8]? {
    linkedFolders.isEmpty ? nil : linkedFolders.removeFirst()
  }

  /// Takes up the pictures of one folder; returns its folders, sorted.
  private mutating func visit(_ folder: [UInt8]) -> [[UInt8]] {
    let place = joined(root, folder)
    let entries: [FolderEntry]
    do throws(FileError) {
      if followsLinks, try !searched.insert(FileSystem.status(place).identity).inserted {
        leftOut.append(LeftOutFile(path: folder, kind: .linkedFolder))
        return []
      }
      entries = try FileSystem.entries(ofFolder: place)
    } catch {
      unreadable.append((folder, error))
      return []
    }
    if entries.contains(where: { $0.name == IgnoreRules.fileName }) {
      do { try rules.readFile(of: folder, at: place) } catch {
        // What it leaves out is not known, so that nothing of the folder is taken.
        unreadable.append((joined(folder, IgnoreRules.fileName), error))
        unknown.append(folder)
        return []
      }
    }
    let texts = Set(entries.lazy.map(\.name).filter { Self.extension(of: $0) == "txt" })
    var folders: [[UInt8]] = []
    var others: [LeftOutFile] = []
    var sidecars: Set<[UInt8]> = []
    for entry in entries.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
      let path = joined(folder, entry.name)
      let isFolder = entry.kind == .folder || (entry.kind == .unknown && isRealFolder(path))
      if entry.name.first == .dot, !isFolder,
        FileKind(extension: Self.extension(of: entry.name)) != .picture
      {
        continue
      }
      if let kind = leftOutKind(of: entry, at: path, isFolder: isFolder) {
        others.append(LeftOutFile(path: path, kind: kind))
        continue
      }
      if isFolder {
        folders.append(path)
        continue
      }
      switch find(path, hasText: { texts.contains(Sidecar.path(of: entry.name)) }) {
      case .leftOut(let kind): others.append(LeftOutFile(path: path, kind: kind))
      case .picture:
        if pictures.last?.hasSidecar == true { sidecars.insert(Sidecar.path(of: path)) }
      case nil: break
      }
    }
    leftOut += others.filter { !sidecars.contains($0.path) }
    return folders
  }

  /// Why an entry is left out whatever it contains; nil if it is not.
  private func leftOutKind(of entry: FolderEntry, at path: [UInt8], isFolder: Bool) -> LeftOutKind?
  {
    switch rules.decision(on: path, isFolder: isFolder) {
    case .excluded: return .excluded
    case .ignored: return .ignored
    case .kept: break
    case nil:
      if isFolder, LeftOutKind.systemFolders.contains(entry.name) { return .systemFolder }
      if entry.name.first == .dot { return .hidden }
    }
    return !isFolder && entry.kind == .other ? .special : nil
  }

  /// Takes up a file if it is a picture, and a link to a folder if links are followed; says what it is.
  private mutating func find(_ path: [UInt8], hasText: () -> Bool) -> FileKind? {
    let named = FileKind(extension: Self.extension(of: path))
    do throws(FileError) {
      let status = try FileSystem.status(joined(root, path))
      switch status.kind {
      case .other: return .leftOut(.special)
      case .folder:
        guard followsLinks else { return .leftOut(.linkedFolder) }
        linkedFolders.append(path)
        return nil
      case .file: break
      }
      let kind = if let named { named } else { try kind(of: path) }
      if kind == .picture {
        pictures.append(
          FoundPicture(
            path: path, size: status.size, modified: status.modified, hasSidecar: hasText()))
      }
      return kind
    } catch {
      // What is no picture by its name may be unreadable, and so may links that lead nowhere.
      if named == .picture || (named == nil && error != .system(ENOENT)) {
        unreadable.append((path, error))
      }
      return nil
    }
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
