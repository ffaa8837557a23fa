internal import Files
internal import Store

/// What an ignore file, or the patterns of `--exclude`, leave out and keep: the last pattern that matches a path
/// decides.
struct IgnoreList: Sendable {
  let patterns: [GlobPattern]

  /// Patterns that a user gave.
  init(_ patterns: [String]) throws(RetrievalError) {
    var parsed: [GlobPattern] = []
    for pattern in patterns { parsed.append(try GlobPattern(pattern)) }
    self.patterns = parsed
  }

  /// The lines of a file.
  init(file bytes: [UInt8]) {
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    patterns = text.split(separator: .newline).compactMap { line in
      GlobPattern(line: Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line))
    }
  }

  /// Whether a path, relative to the folder of the list, is left out (true) or kept (false); nil where no
  /// pattern matches.
  func leavesOut(_ path: some Collection<UInt8>, isFolder: Bool) -> Bool? {
    patterns.last { $0.matches(path, isFolder: isFolder) }.map { !$0.isNegated }
  }
}

/// What a user wants left out of a collection: the patterns of its index's settings, then the ignore files of
/// its folders, of which that nearest to a path is asked first, as in Git.
struct IgnoreRules: Sendable {
  /// What lists of patterns are called in the folders of a collection.
  static let fileName = Array(".blipignore".utf8)
  /// The largest such file, and the most patterns of one.
  private static let maximumBytes = 1 << 20
  private static let maximumPatterns = 10_000

  /// What becomes of a path.
  enum Decision: Equatable {
    /// By the index's settings.
    case excluded
    /// By an ignore file.
    case ignored
    /// Though a pattern before, or a default, leaves it out.
    case kept
  }

  private let settings: IgnoreList
  /// By their folders.
  private var files: [[UInt8]: IgnoreList] = [:]

  /// - Parameter patterns: Those of the index's settings.
  init(_ patterns: [String]) throws(RetrievalError) { settings = try IgnoreList(patterns) }

  /// Reads the ignore file of a folder.
  /// - Parameters:
  ///   - folder: Relative to the collection.
  ///   - place: Where it is.
  mutating func readFile(of folder: [UInt8], at place: [UInt8]) throws(FileError) {
    let file = try FileSystem.read(joined(place, Self.fileName), limit: Self.maximumBytes)
    let list = IgnoreList(file: file.bytes)
    guard list.patterns.count <= Self.maximumPatterns else {
      throw .tooManyLines(list.patterns.count, limit: Self.maximumPatterns)
    }
    files[folder] = list
  }

  /// What the rules say of a path itself, not of the folders that it lies in; nil where they say nothing.
  func decision(on path: [UInt8], isFolder: Bool) -> Decision? {
    if let isLeftOut = settings.leavesOut(path, isFolder: isFolder) {
      return isLeftOut ? .excluded : .kept
    }
    guard !files.isEmpty else { return nil }
    var end = path.endIndex
    while true {
      let slash = path[..<end].lastIndex(of: .slash)
      let list = files[slash.map { Array(path[..<$0]) } ?? []]
      if let isLeftOut = list?.leavesOut(
        path[(slash.map { $0 + 1 } ?? path.startIndex)...], isFolder: isFolder)
      {
        return isLeftOut ? .ignored : .kept
      }
      guard let slash else { return nil }
      end = slash
    }
  }

  /// Whether a file is left out, itself or with a folder that it lies in.
  func leavesOut(_ path: [UInt8]) -> Bool {
    let folders = path.indices.filter { path[$0] == .slash }.map { Array(path[..<$0]) }
    func isLeftOut(_ path: [UInt8], isFolder: Bool) -> Bool {
      let decision = decision(on: path, isFolder: isFolder)
      return decision == .excluded || decision == .ignored
    }
    return folders.contains { isLeftOut($0, isFolder: true) } || isLeftOut(path, isFolder: false)
  }
}
