internal import LMDB
internal import Tensors
internal import VectorIndex

/// The tables of the vector index: blocks of vectors' codes, the lists that they belong to, and
/// which block a vector is in (`VectorStorage`). The codes of a space's centroids are a block of a space of
/// their own.
struct VectorTables: Sendable {
  let lists: Table<BlockKeyCodec, RawBytes>
  let centroids: Table<ListKeyCodec, ListCodec>
  let locations: Table<VectorKeyCodec, LocationCodec>
  let caches = VectorCaches()
  private let verified = VerifiedBlocks()
  /// Numbers in a vector.
  let dimension: Int
  /// The folder of the index, for errors.
  let path: String

  init<T: Transaction & ~Copyable>(
    of layout: IndexMetadata, at path: String, in transaction: borrowing T, create: Bool
  ) throws(LMDBError) {
    lists = try Table(opening: "lists", in: transaction, create: create)
    centroids = try Table(opening: "centroids", in: transaction, create: create)
    locations = try Table(opening: "places", in: transaction, create: create)
    dimension = layout.sizes.embedding
    self.path = path
  }

  func sizes<T: Transaction & ~Copyable>(in transaction: borrowing T) throws -> [TableSize] {
    [
      try size(lists, in: transaction), try size(centroids, in: transaction),
      try size(locations, in: transaction),
    ]
  }

  /// The lists of a space by number.
  func lists<T: Transaction & ~Copyable>(of space: VectorSpace, in transaction: borrowing T) throws
    -> [UInt32: VectorList]
  {
    var records: [UInt32: VectorList] = [:]
    try centroids.forEach(in: transaction, from: (space, 0), through: (space, .max)) {
      key, record in
      guard record.centroid.count == (key.list == VectorList.flat ? 0 : dimension),
        dot(record.centroid, record.centroid).isFinite
      else { throw damaged("list \(key.list) has no centroid of \(dimension) finite numbers") }
      records[key.list] = record
    }
    guard records[VectorList.flat] == nil || records.count == 1 else {
      throw damaged("the space \(space) is both flat and in lists")
    }
    return records
  }

  /// How many lists a space is divided among; 0 where it is flat.
  func listCount<T: Transaction & ~Copyable>(of space: VectorSpace, in transaction: borrowing T)
    throws -> Int
  {
    var count = 0
    try centroids.forEachBytes(
      in: transaction, from: (space, VectorList.first), through: (space, .max)
    ) { _, _ in count += 1 }
    return count
  }

  /// A list's blocks, where they lie in the map, each as it was written.
  func forEachBlock<T: Transaction & ~Copyable>(
    of space: VectorSpace, _ list: UInt32, in transaction: borrowing T,
    _ body: (RawSpan) throws -> Void
  ) throws {
    try lists.forEachBytes(
      in: transaction, from: BlockKey(space: space, list: list, block: 0),
      through: BlockKey(space: space, list: list, block: .max)
    ) { key, block in
      try readingBlocks {
        try verified.verify(key, VectorBlock.storedChecksum(of: block)) {
          () throws(VectorError) in try VectorBlock.verify(block)
        }
      }
      try body(block)
    }
  }

  /// Drops the blocks, the lists and the locations of a space.
  func removeAll<T: WritingTransaction & ~Copyable>(
    of space: VectorSpace, in transaction: borrowing T
  ) throws {
    for space in [space, space.ofLists] {
      try lists.deleteAll(
        in: transaction, from: BlockKey(space: space, list: 0, block: 0),
        through: BlockKey(space: space, list: .max, block: .max))
      try centroids.deleteAll(in: transaction, from: (space, 0), through: (space, .max))
      try locations.deleteAll(in: transaction, from: (space, 0), through: (space, .max))
    }
  }

  /// What a block is refused for is damage of the index.
  func readingBlocks<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as VectorError {
      throw damaged(error.description)
    } catch let error as MalformedBytes {
      throw damaged(error.reason)
    }
  }

  /// Damage that can be repaired from the embeddings.
  func damaged(_ reason: String) -> RetrievalError {
    RetrievalError(
      .damagedVectors,
      "\(path): the vector index is damaged (\(reason)); rebuild it from the embeddings")
  }
}
