internal import Images
internal import Files
internal import Store

/// A picture of a group of near-identical ones.
public struct DuplicatePicture: Sendable, Equatable {
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
  /// Of the upright picture, in pixels.
  public let width, height: Int
  /// The size of the file.
  public let bytes: UInt64
  /// The variance of the Laplacian: higher is sharper. Nil where the index does not have it.
  public let sharpness: Float?
  /// Whether a picture before it in the group has the same bytes.
  public let isCopy: Bool
}

/// Pictures that show the same in the same way: copies, other sizes, formats and qualities, slight crops.
public struct DuplicateGroup: Sendable, Equatable {
  /// The largest first; of several of the same size, the sharpest first. At least two.
  public let pictures: [DuplicatePicture]
}

/// The near-identical pictures of an index.
public struct Duplicates: Sendable, Equatable {
  /// Those with the most pictures first.
  public let groups: [DuplicateGroup]
  /// How many pictures were compared byte by byte alone: they were indexed by an older version, and the
  /// next update makes what is missing.
  public let withoutSignature: Int
}

extension PictureIndex {
  /// The groups of near-identical pictures, from what the index holds: no picture is read. All pictures of
  /// a group are near-identical to its first.
  ///
  /// Two pictures are near-identical if their perceptual hashes differ in a few bits and their embeddings
  /// in little, or if their files have the same bytes.
  /// - Parameter folder: Only pictures in this folder and its subfolders: relative to the collection, or
  ///   any path to a folder inside it. Nil: all.
  /// - Throws: `RetrievalError`; its code is `folderNotFound` where the index holds no picture there.
  public func duplicates(in folder: String? = nil) async throws -> Duplicates {
    try await shared.read { store in
      try store.read { try $0.duplicates(in: folder) }
    }
  }
}

extension IndexSnapshot {
  func duplicates(in folder: String?) throws -> Duplicates {
    var filter = PictureFilter()
    if let folder { filter.folders = [folder] }
    let chosen = try filter.selection(in: self).ids
    var records: [UInt64: PictureRecord] = [:]
    try forEachPicture { id, record in
      if chosen?.contains(id) ?? true { records[id] = record }
    }
    var pictures = try records.map { id, record in
      ComparedPicture(id, record, try signature(picture: id))
    }
    pictures.sort { isBetter($0, than: $1, records) }
    let found = try AlikeGroups(pictures) { try embedding(picture: $0) }
    let groups = found.groups.filter { $0.count > 1 }.map { places in
      DuplicateGroup(pictures: duplicates(places.map { pictures[$0] }, records))
    }
    return Duplicates(
      groups: groups.enumerated()
        .sorted { ($1.element.pictures.count, $0.offset) < ($0.element.pictures.count, $1.offset) }
        .map(\.element),
      withoutSignature: pictures.count { $0.signature == nil })
  }

  private func isBetter(
    _ a: ComparedPicture, than b: ComparedPicture, _ records: [UInt64: PictureRecord]
  ) -> Bool {
    let (pixels, others) = (a.width * a.height, b.width * b.height)
    if pixels != others { return pixels > others }
    let (sharpness, other) = (a.signature?.sharpness ?? 0, b.signature?.sharpness ?? 0)
    if sharpness != other { return sharpness > other }
    let (size, otherSize) = (records[a.id]!.size, records[b.id]!.size)
    return size != otherSize ? size > otherSize : a.id < b.id
  }

  private func duplicates(
    _ pictures: [ComparedPicture], _ records: [UInt64: PictureRecord]
  ) -> [DuplicatePicture] {
    var seen: Set<[UInt8]> = []
    return pictures.map { picture in
      let record = records[picture.id]!
      let name = metadata.roots.name(of: record.path)
      let location = metadata.roots.location(of: record.path)
      return DuplicatePicture(
        id: picture.id, path: printable(name), pathBytes: name,
        location: printable(location), locationBytes: location,
        width: picture.width, height: picture.height, bytes: record.size,
        sharpness: picture.signature?.sharpness,
        isCopy: !seen.insert(picture.contentHash).inserted)
    }
  }
}
