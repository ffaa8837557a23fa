internal import Images
internal import Store
internal import Tensors

/// What a picture is compared by with others.
struct ComparedPicture {
  let id: UInt64
  /// SHA-256 of the file.
  let contentHash: [UInt8]
  /// Of the upright picture.
  let width, height: Int
  /// Nil where the index has none: the picture then equals only copies of its file.
  let signature: PictureSignature?
  /// The path without its extension, which the files of one exposure (RAW and JPEG) have in common; nil if
  /// its name is not that of a picture.
  let exposure: ArraySlice<UInt8>?
  let isRaw: Bool

  /// A picture of an index.
  init(_ id: UInt64, _ record: PictureRecord, _ signature: PictureSignature?) {
    self.id = id
    contentHash = record.contentHash
    (width, height) =
      record.orientation < 5 ? (record.width, record.height) : (record.height, record.width)
    self.signature = signature
    let format = ImageFormat(ofName: record.path)
    isRaw = format == .raw
    exposure = format.flatMap { _ in
      record.path.lastIndex(of: UInt8(ascii: ".")).map { record.path[..<$0] }
    }
  }
}

/// Pictures divided into groups of near-identical ones.
///
/// A group has a first picture, and every other is near-identical to it: a row of pictures that each
/// differ a little from the next is not one group.
struct AlikeGroups {
  /// The most bits that the perceptual hashes of near-identical pictures differ in.
  static let greatestDistance = 8
  /// The same where one has a plain background.
  static let greatestPlainDistance = 2
  /// The least cosine of their embeddings: a small version of a picture may lose what the model sees in it.
  static let leastCosine: Float = 0.7
  /// The greatest mean difference of their colours, of 255.
  static let greatestColorDistance: Float = 8
  /// How much their ratios of width to height may differ; a crop in one direction changes it by a tenth.
  static let greatestStretch = 1.2
  /// Up to so many pictures are compared one by one.
  private static let few = 256

  /// Places in the list of pictures: the groups by their first picture, each in the order of the list.
  private(set) var groups: [[Int]] = []

  private let pictures: [ComparedPicture]
  /// The hashes of whole pictures and those of their parts; nil for a few pictures.
  private let tables: (wholes: HashTable, parts: HashTable)?

  /// Divides pictures into groups. Each joins the first before it in the list that it is near-identical
  /// to.
  /// - Parameters:
  ///   - joinsExposures: Whether a RAW file and the picture of the same name that the camera made with it are
  ///     near-identical, however they were developed.
  ///   - embedding: The embedding of a picture by its id.
  init(
    _ pictures: [ComparedPicture], joinsExposures: Bool = false,
    embedding: (UInt64) throws -> [Float]?
  ) rethrows {
    self.pictures = pictures
    tables = pictures.count > Self.few ? Self.tables(of: pictures) : nil
    let copies = Dictionary(grouping: pictures.indices, by: { pictures[$0].contentHash })
    let exposures =
      joinsExposures && pictures.contains(where: \.isRaw)
      ? Dictionary(grouping: pictures.indices, by: { pictures[$0].exposure }) : [:]
    var isTaken = [Bool](repeating: false, count: pictures.count)
    for first in pictures.indices where !isTaken[first] {
      isTaken[first] = true
      var group = [first]
      var known: [Float]?
      func take(_ place: Int) {
        isTaken[place] = true
        group.append(place)
      }
      for place in copies[pictures[first].contentHash]! where !isTaken[place] { take(place) }
      if let exposure = pictures[first].exposure {
        for place in exposures[exposure] ?? []
        where !isTaken[place] && pictures[place].isRaw != pictures[first].isRaw { take(place) }
      }
      for place in candidates(after: first) where !isTaken[place] {
        guard isSimilar(pictures[first], pictures[place]) else { continue }
        known = try known ?? embedding(pictures[first].id)
        guard let known, let other = try embedding(pictures[place].id) else { continue }
        if dot(known, other) >= Self.leastCosine { take(place) }
      }
      groups.append(group.sorted())
    }
  }

  /// Whether all but the embeddings says that two pictures are near-identical.
  private func isSimilar(_ a: ComparedPicture, _ b: ComparedPicture) -> Bool {
    guard let first = a.signature, let second = b.signature, first.hashes.hasDetails,
      second.hashes.hasDetails
    else { return false }
    let (ratio, other) = (Double(a.width * b.height), Double(b.width * a.height))
    guard max(ratio, other) <= Self.greatestStretch * min(ratio, other) else { return false }
    let isPlain = first.hashes.isPlain || second.hashes.isPlain
    return first.hashes.distance(to: second.hashes)
      <= (isPlain ? Self.greatestPlainDistance : Self.greatestDistance)
      && first.colors.distance(to: second.colors) <= Self.greatestColorDistance
  }

  /// The pictures later in the list that may be near-identical to one, each once.
  private func candidates(after first: Int) -> [Int] {
    guard let hashes = pictures[first].signature?.hashes, hashes.hasDetails else { return [] }
    guard let tables else { return Array(first + 1..<pictures.count) }
    var found: Set<Int> = []
    for hash in hashes.values where hash != 0 {
      tables.wholes.forEachOwner(near: hash) { if $0 > first { found.insert($0) } }
    }
    tables.parts.forEachOwner(near: hashes.whole) { if $0 > first { found.insert($0) } }
    return found.sorted()
  }

  private static func tables(of pictures: [ComparedPicture]) -> (HashTable, HashTable) {
    var (wholes, parts): ([(UInt64, Int)], [(UInt64, Int)]) = ([], [])
    for (place, picture) in pictures.enumerated() {
      guard let hashes = picture.signature?.hashes, hashes.hasDetails else { continue }
      wholes.append((hashes.whole, place))
      for part in hashes.values.dropFirst() where part != 0 { parts.append((part, place)) }
    }
    return (
      HashTable(wholes, radius: greatestDistance), HashTable(parts, radius: greatestDistance)
    )
  }
}

extension IndexSnapshot {
  /// What pictures of the index are compared by; those that are no longer there are left out.
  func compared(_ ids: [UInt64]) throws -> [ComparedPicture] {
    try ids.compactMap { id in
      try picture(id).map { ComparedPicture(id, $0, try signature(picture: id)) }
    }
  }
}
