internal import Files

/// Where the pictures that a captions file names may be: names are relative to the collection's root
/// or to the file's own folder.
package struct CaptionPathResolver: Sendable {
  private let root: [UInt8]
  private let folder: [UInt8]

  /// - Parameters:
  ///   - root: The folder of the pictures, absolute and without symbolic links.
  ///   - file: The captions file.
  package init(root: [UInt8], file: String) {
    self.root = root
    let path = Array(file.utf8)
    let resolved = (try? FileSystem.resolved(path)) ?? path
    folder = resolved.lastIndex(of: .slash).map { Array(resolved[..<$0]) } ?? []
  }

  /// The absolute paths that a record's picture may have, the likeliest first.
  package func absolutePaths(of record: CaptionRecord) -> [[UInt8]] {
    record.names.flatMap(Self.spellings).flatMap { name in
      let name = Array(name.utf8)
      let paths = name.first == .slash ? [name] : [joined(root, name), joined(folder, name)]
      return paths.map(normalised)
    }
  }

  /// The paths relative to the root that a record's picture may have, the likeliest first.
  package func paths(of record: CaptionRecord) -> [[UInt8]] {
    absolutePaths(of: record).compactMap { relative($0, to: root) }
  }

  /// A name as it stands, then as a program on Windows means it.
  private static func spellings(_ name: String) -> [String] {
    guard name.utf8.contains(UInt8(ascii: "\\")) else { return [name] }
    return [name, String(name.map { $0 == "\\" ? "/" : $0 })]
  }
}
