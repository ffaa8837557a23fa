internal import Files

/// Where the pictures that a captions file names may lie in a collection: the names count from the
/// collection's root or from the file's own folder.
package struct CaptionPathResolver {
  private let root: [UInt8]
  private let folder: [UInt8]

  /// `root`: the collection, resolved. `file`: the captions file.
  package init(root: [UInt8], file: String) {
    self.root = root
    let resolved = (try? FileSystem.resolved(Array(file.utf8))) ?? Array(file.utf8)
    folder = resolved.lastIndex(of: .slash).map { Array(resolved[..<$0]) } ?? []
  }

  /// The paths relative to the root that a record's picture may have, the likeliest first.
  package func paths(of record: CaptionRecord) -> [[UInt8]] {
    record.names.flatMap { name in
      let name = Array(name.utf8)
      let absolute = name.first == .slash ? [name] : [joined(root, name), joined(folder, name)]
      return absolute.compactMap { relative(normalised($0), to: root) }
    }
  }
}
