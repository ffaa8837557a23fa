/// Where an index is kept and changed: lists, their blocks, the location of every vector, and the
/// vectors themselves.
///
/// `VectorIndexUpdate` decides what is written; a storage only keeps it. Few vectors are one list
/// that is scanned whole, list 0: the index is flat. Many are divided among the lists 1, 2, … by their
/// nearest centroid, and a search probes a few of them.
public protocol VectorStorage {
  /// Numbers in a vector.
  var dimension: Int { get }

  // MARK: Reading

  /// All lists by number.
  func lists() throws -> [UInt32: VectorList]
  /// The block at a location; nil where there is none.
  func block(at location: VectorLocation) throws -> [UInt8]?
  /// All blocks of a list.
  func blocks(of list: UInt32) throws -> [[UInt8]]
  /// The block that a vector's code is in; nil where it is in none.
  func location(of id: UInt64) throws -> VectorLocation?
  /// The ids of all vectors, in ascending order.
  func ids() throws -> [UInt64]
  /// Appends the numbers of these vectors, which all must be there.
  func appendVectors(of ids: some Sequence<UInt64>, to numbers: inout [Float]) throws
  /// How probes were measured; nil where they were not.
  func measurement() throws -> ProbeMeasurement?

  // MARK: Writing

  /// Stores vectors, or drops those that are nil.
  func put(vectors: [UInt64: [Float]?]) throws
  /// Stores a block, or drops it where it is nil.
  func put(block: [UInt8]?, at location: VectorLocation) throws
  /// Drops all blocks of a list.
  func removeBlocks(of list: UInt32) throws
  /// Stores a list's record.
  func put(_ list: VectorList, number: UInt32) throws
  /// Stores the codes of the centroids of all lists (`CentroidCodes.encode`).
  func put(centroidCodes: [UInt8]) throws
  /// Stores locations; ids that come in ascending order are stored fastest.
  func put(locations: [(id: UInt64, location: VectorLocation)]) throws
  /// Drops the location of a vector.
  func removeLocation(of id: UInt64) throws
  /// Stores how probes were measured, or drops that where it is nil.
  func put(_ measurement: ProbeMeasurement?) throws
  /// Drops everything but the vectors.
  func removeIndex() throws
}

/// A list of vectors.
public struct VectorList: Sendable, Equatable {
  /// The number of the only list of a flat index.
  public static let flat: UInt32 = 0
  /// The number of the first list of an index that is not flat.
  public static let first: UInt32 = 1

  /// The vectors in it.
  public var count: UInt32
  /// Its last block, to which vectors are added.
  public var lastBlock: UInt32
  /// What its vectors are stored as differences to; empty for the only list of a flat index, whose
  /// vectors are stored as they are.
  public var centroid: [Float]

  /// A list of `count` vectors.
  public init(count: UInt32, lastBlock: UInt32, centroid: [Float]) {
    (self.count, self.lastBlock, self.centroid) = (count, lastBlock, centroid)
  }

  /// A list that holds nothing yet.
  init(centroid: some Sequence<Float>) {
    self.init(count: 0, lastBlock: 0, centroid: Array(centroid))
  }

  /// The number of the list whose centroid is in a row of the matrix of centroids.
  public static func number(ofRow row: Int) -> UInt32 { UInt32(row) + first }
}

/// The block that a vector's code is in.
public struct VectorLocation: Sendable, Hashable, Comparable {
  /// The list's number.
  public var list: UInt32
  /// The block's number in its list.
  public var block: UInt32

  /// The location in a block of a list.
  public init(list: UInt32, block: UInt32) { (self.list, self.block) = (list, block) }

  /// By list, then by block.
  public static func < (a: VectorLocation, b: VectorLocation) -> Bool {
    (a.list, a.block) < (b.list, b.block)
  }
}
