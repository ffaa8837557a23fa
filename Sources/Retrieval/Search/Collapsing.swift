internal import Files
internal import Store

/// A picture that is near-identical to a hit.
public struct AlikePicture: Sendable, Equatable {
  /// The picture's number in the index.
  public let id: UInt64
  /// Relative to the collection root, printable; in an index of several roots, the same as `location`.
  public let path: String
  /// The same as the file system has it.
  public let pathBytes: [UInt8]
  /// Where the picture lies, as text; a name that is not UTF-8 is only in `locationBytes` whole.
  public let location: String
  /// Where the picture lies, as the file system has it.
  public let locationBytes: [UInt8]

  init(id: UInt64, _ record: PictureRecord, of roots: CollectionRoots) {
    let (name, place) = (roots.name(of: record.path), roots.location(of: record.path))
    (self.id, path, pathBytes) = (id, printable(name), name)
    (location, locationBytes) = (printable(place), place)
  }
}

extension Searcher {
  /// Groups of near-identical candidates, each in the order of the candidates, as are the first of all
  /// groups. Pictures that are gone are left out.
  func alikeGroups(
    of candidates: [RankedCandidate], in snapshot: borrowing IndexSnapshot
  ) throws -> [[RankedCandidate]] {
    let pictures = try snapshot.compared(candidates.map(\.id))
    let found = Dictionary(candidates.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let groups = try AlikeGroups(pictures, joinsExposures: true) {
      try snapshot.embedding(picture: $0)
    }.groups
    return groups.map { group in group.map { found[pictures[$0].id]! } }
  }
}
