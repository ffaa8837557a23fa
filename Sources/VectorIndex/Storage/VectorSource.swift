/// Where a search finds an index: its lists of blocks, their centroids, and the vectors themselves.
///
/// Memory that a source hands out stays as it is for as long as the source is used. A search may call a
/// source from several threads at once.
public protocol VectorSource {
  /// Numbers in a vector.
  var dimension: Int { get }
  /// What the index holds.
  func contents() throws -> VectorContents
  /// The codes of the centroids of all lists; asked for only where the index is not flat.
  func centroidCodes() throws -> CentroidCodes
  /// Lists by number, in the order asked for.
  func lists(_ numbers: [UInt32]) throws -> [StoredList]
  /// The vectors of these ids: Float32, little-endian, at any alignment; nil for an id that has none.
  func vectors(_ ids: [UInt64]) throws -> [StoredBlock?]
}

/// What an index holds, and how it is searched.
public struct VectorContents: Sendable, Equatable {
  /// How many vectors there are.
  public var count: Int
  /// Whether they are one list that every search scans (`VectorList.flat`).
  public var isFlat: Bool
  /// Which lists a search probes; nil where that was not measured, so that it scans all.
  public var probes: Probes?

  /// The contents of an index.
  public init(count: Int, isFlat: Bool, probes: Probes?) {
    (self.count, self.isFlat, self.probes) = (count, isFlat, probes)
  }
}

/// A list as a search reads it.
public struct StoredList: Sendable {
  /// Its blocks.
  public var blocks: [StoredBlock]
  /// What its vectors are stored as differences to, as in a source's `vectors`; nil in a flat index.
  public var centroid: StoredBlock?

  /// A list of blocks.
  public init(blocks: [StoredBlock], centroid: StoredBlock?) {
    (self.blocks, self.centroid) = (blocks, centroid)
  }
}

/// A block, a centroid or a vector where it lies in memory, which several threads may read.
public struct StoredBlock: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  /// The memory has to stay as it is for as long as the value is used: that of a block in the map of a
  /// transaction does until the transaction ends.
  public init(unsafeBytes bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Looks at the bytes.
  public func withSpan<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
    try body(bytes.bytes)
  }

  /// A part of it.
  public func extracting(_ range: Range<Int>) -> StoredBlock {
    StoredBlock(unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[range]))
  }
}
