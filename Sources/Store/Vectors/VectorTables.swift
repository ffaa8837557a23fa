internal import LMDB
internal import Tensors
internal import VectorIndex

/// The tables of the vector index: blocks of vectors' codes, the lists that they belong to, and
/// which block a vector is in.
///
/// Few vectors are one list that is scanned whole, list 0: the space is flat. Many are divided
/// among the lists 1, 2, … by their nearest centroid, of which a search visits a few. The centroids
/// themselves are a flat space too, so that the nearest of them are found by the same scan.
struct VectorTables: Sendable {
  /// Vectors in a block of a flat space: a commit of few pictures writes the last block anew.
  static let vectorsPerFlatBlock = VectorBlock.capacity
  /// Vectors in a block of a list. LMDB writes a value anew when it changes, so that small blocks
  /// make adds and deletes cheap.
  static let vectorsPerListBlock = 128
  /// The only list of a flat space.
  static let flatList: UInt32 = 0

  let lists: Table<BlockKeyCodec, RawBytes>
  let centroids: Table<ListKeyCodec, ListCodec>
  let places: Table<VectorKeyCodec, PlaceCodec>
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
    places = try Table(opening: "places", in: transaction, create: create)
    dimension = layout.embeddingSize
    self.path = path
  }

  func sizes<T: Transaction & ~Copyable>(in transaction: borrowing T) throws -> [TableSize] {
    [
      try size(lists, in: transaction), try size(centroids, in: transaction),
      try size(places, in: transaction),
    ]
  }

  /// The lists of a space by number.
  func lists<T: Transaction & ~Copyable>(of space: VectorSpace, in transaction: borrowing T) throws
    -> [UInt32: ListRecord]
  {
    var records: [UInt32: ListRecord] = [:]
    try centroids.forEach(in: transaction, from: (space, 0), through: (space, .max)) {
      key, record in
      guard record.centroid.count == (key.list == Self.flatList ? 0 : dimension),
        dot(record.centroid, record.centroid).isFinite
      else { throw damaged("list \(key.list) has no centroid of \(dimension) finite numbers") }
      records[key.list] = record
    }
    guard records[Self.flatList] == nil || records.count == 1 else {
      throw damaged("the space \(space) is both flat and in lists")
    }
    return records
  }

  /// The list of a row of the matrix of centroids.
  static func list(ofRow row: Int) -> UInt32 { UInt32(row) + 1 }

  /// How many lists a space is divided among; 0 where it is flat.
  func listCount<T: Transaction & ~Copyable>(of space: VectorSpace, in transaction: borrowing T)
    throws -> Int
  {
    var count = 0
    try centroids.forEachBytes(
      in: transaction, from: (space, Self.list(ofRow: 0)), through: (space, .max)
    ) { _, _ in count += 1 }
    return count
  }

  /// The centroids of all lists, one a row.
  func matrix(of lists: [UInt32: ListRecord]) throws(RetrievalError) -> Matrix {
    var values: [Float] = []
    values.reserveCapacity(lists.count * dimension)
    for row in 0..<lists.count {
      guard let list = lists[Self.list(ofRow: row)] else {
        throw damaged("there is no list \(Self.list(ofRow: row))")
      }
      values += list.centroid
    }
    return Matrix(rows: lists.count, columns: dimension, values: values)
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

  /// The codes of the centroids of a space, where they lie in the map, as they were written; nil where
  /// there are none.
  func withCentroidCodes<T: Transaction & ~Copyable, Result>(
    of space: VectorSpace, in transaction: borrowing T,
    _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    let key = BlockKey(space: space.ofLists, list: Self.flatList, block: 0)
    return try lists.bytes(key, in: transaction) { codes in
      try readingBlocks {
        try verified.verify(key, CentroidCodes.storedChecksum(of: codes)) {
          () throws(VectorError) in try CentroidCodes.verify(codes)
        }
      }
      return try body(codes)
    }
  }

  /// Throws where a list's blocks do not hold as many vectors as the list should: none is lost
  /// without a word.
  func require(_ held: Int, in list: UInt32, toBe count: UInt32) throws(RetrievalError) {
    guard held == count else {
      throw damaged("list \(list) holds \(held) vectors where \(count) belong")
    }
  }

  /// Drops the blocks, the lists and the places of a space.
  func removeAll(of space: VectorSpace, in transaction: borrowing WriteTransaction) throws {
    for space in [space, space.ofLists] {
      try lists.deleteAll(
        in: transaction, from: BlockKey(space: space, list: 0, block: 0),
        through: BlockKey(space: space, list: .max, block: .max))
      try centroids.deleteAll(in: transaction, from: (space, 0), through: (space, .max))
      try places.deleteAll(in: transaction, from: (space, 0), through: (space, .max))
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

  /// Damage that the embeddings can mend.
  func damaged(_ reason: String) -> RetrievalError {
    RetrievalError(
      "\(path): the vector index is damaged (\(reason)); make it anew from the embeddings with "
        + "`blip index DIR --rebuild --index \(path)`")
  }
}
