internal import Files

/// Where the pictures that a captions file names may be: names are relative to a root of the collection
/// or to the file's own folder.
package struct CaptionPathResolver: Sendable {
  private let roots: [[UInt8]]
  private let folder: [UInt8]

  /// - Parameters:
  ///   - root: The folder of the pictures, absolute and without symbolic links.
  ///   - file: The captions file.
  package init(root: [UInt8], file: String) { self.init(roots: [root], file: file) }

  /// The same for several folders of pictures.
  package init(roots: [[UInt8]], file: String) {
    self.roots = roots
    let path = Array(file.utf8)
    let resolved = (try? FileSystem.resolved(path)) ?? path
    folder = resolved.lastIndex(of: .slash).map { Array(resolved[..<$0]) } ?? []
  }

  /// The absolute paths that a record's picture may have, the likeliest first.
  package func absolutePaths(of record: CaptionRecord) -> [[UInt8]] {
    record.names.flatMap(Self.spellings).flatMap { name in
      let name = Array(name.utf8)
      let paths = name.first == .slash ? [name] : (roots + [folder]).map { joined($0, name) }
      return paths.map(normalised)
    }
  }

  /// The paths that a record's picture may have, the likeliest first: relative to the root, or absolute if there
  /// are several.
  package func paths(of record: CaptionRecord) -> [[UInt8]] {
    let paths = absolutePaths(of: record)
    return roots.count == 1 ? paths.compactMap { relative($0, to: roots[0]) } : paths
  }

  /// A name as it stands, then as a program on Windows means it.
  private static func spellings(_ name: String) -> [String] {
    guard name.utf8.contains(UInt8(ascii: "\\")) else { return [name] }
    return [name, String(name.map { $0 == "\\" ? "/" : $0 })]
  }
}
