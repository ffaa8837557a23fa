internal import Files
internal import Store

/// A picture that is near-identical to a hit.
public struct AlikePicture: Sendable, Equatable {
  /// The picture's number in the index.
  public let id: UInt64
  /// Relative to the collection root, printable.
  public let path: String
  /// The path relative to the collection root, as the file system has it.
  public let pathBytes: [UInt8]
  /// Where the picture lies, as text; a name that is not UTF-8 is only in `locationBytes` whole.
  public let location: String
  /// Where the picture lies, as the file system has it.
  public let locationBytes: [UInt8]

  init(_ hit: PictureHit) {
    (id, path, pathBytes) = (hit.id, hit.path, hit.pathBytes)
    (location, locationBytes) = (hit.location, hit.locationBytes)
  }
}

extension Searcher {
  /// So many more hits cost next to nothing.
  private static var fewest: Int { 16 }

  /// Pictures for a query (`hits`), of which near-identical ones are one hit unless the options say
  /// otherwise: the best of them, with the others. As many as are wanted are returned, if there are as many
  /// different ones.
  package func search(_ query: PictureQuery, _ options: SearchOptions) throws -> [PictureHit] {
    guard options.collapsesAlike, options.count > 0 else { return try hits(query, options) }
    let all = max(try store.read { try $0.pictureCount() }, 1)
    var more = options
    more.count = min(options.count, all)
    while true {
      // More than are wanted, as some may not count.
      more.count = min(more.count + max(more.count, Self.fewest), all)
      let hits = try hits(query, more)
      let collapsed = try collapsed(hits)
      if collapsed.count >= options.count || hits.count < more.count || more.count == all {
        return Array(collapsed.prefix(options.count))
      }
    }
  }

  private func collapsed(_ hits: [PictureHit]) throws -> [PictureHit] {
    try store.read { snapshot in
      let pictures = try snapshot.compared(hits.map(\.id))
      let found = Dictionary(hits.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
      return try AlikeGroups(pictures) { try snapshot.embedding(picture: $0) }.groups.map { group in
        var hit = found[pictures[group[0]].id]!
        hit.alike = group.dropFirst().map { AlikePicture(found[pictures[$0].id]!) }
        return hit
      }
    }
  }
}
