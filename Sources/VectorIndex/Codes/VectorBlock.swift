/// Blocks: the codes of some hundred vectors with their ids in one value of a table, laid out so that a
/// scan reads them where they lie (`BlockLayout`).
public enum VectorBlock {
  /// Vectors that a block should hold at most: 140 KB at 256 dimensions, of which a scan reads half.
  public static let capacity = 512
  /// Vectors that a block can hold.
  static let greatestCount = 1 << 16

  /// A block of the rows of `vectors` (`ids.count` × `dimension`), as residuals to `centroid` where
  /// there is one. Throws where a number is not finite or huge.
  public static func encode(
    ids: [UInt64], vectors: [Float], dimension: Int, centroid: [Float]? = nil
  ) throws(VectorError) -> [UInt8] {
    var rows = try BlockRows(dimension: dimension, centroid: centroid)
    try rows.append(ids: ids, vectors: vectors, centroid: centroid)
    return try rows.bytes()
  }

  /// The block with more vectors at its end; `centroid` is that of its own vectors.
  public static func appending(
    ids: [UInt64], vectors: [Float], centroid: [Float]? = nil, to block: RawSpan
  ) throws(VectorError) -> [UInt8] {
    var rows = try BlockRows(block)
    try rows.append(ids: ids, vectors: vectors, centroid: centroid)
    return try rows.bytes()
  }

  /// The block without the vectors of these ids; those it does not hold do not matter.
  public static func removing(_ ids: Set<UInt64>, from block: RawSpan) throws(VectorError)
    -> [UInt8]
  {
    var rows = try BlockRows(block)
    rows.remove(ids)
    return try rows.bytes()
  }

  /// How many vectors it holds.
  public static func count(of block: RawSpan) throws(VectorError) -> Int {
    try block.withUnsafeBytes { bytes throws(VectorError) in try BlockView(bytes).count }
  }

  /// The ids of its vectors, in their order.
  public static func ids(of block: RawSpan) throws(VectorError) -> [UInt64] {
    try block.withUnsafeBytes { bytes throws(VectorError) in
      let view = try BlockView(bytes)
      return (0..<view.count).map { view.id($0) }
    }
  }

  /// What the checksum of the block is said to be.
  public static func storedChecksum(of block: RawSpan) throws(VectorError) -> UInt64 {
    try block.withUnsafeBytes { bytes throws(VectorError) in try BlockView(bytes).checksum }
  }

  /// Throws where the bytes are not those that were written. A scan checks lengths and numbers, and not
  /// this, which reads all.
  public static func verify(_ block: RawSpan) throws(VectorError) {
    try block.withUnsafeBytes { bytes throws(VectorError) in try BlockView(bytes).verify() }
  }

  /// The ids of the vectors whose codes are not theirs: `vector` tells the numbers that an id should
  /// have, nil where they are not known. A vector's score with itself, by its code, must not be further
  /// from the true one than its code can be, as when a search looks at the true scores
  /// (`BlockScan.finish`).
  public static func misfits(
    in block: RawSpan, centroid: [Float]? = nil, vector: (UInt64) throws -> [Float]?
  ) throws -> [UInt64] {
    try block.withUnsafeBytes { bytes in
      let view = try BlockView(bytes)
      var misfits: [UInt64] = []
      for index in 0..<view.count {
        let id = view.id(index)
        guard let numbers = try vector(id) else { continue }
        guard numbers.count == view.dimension, (centroid?.count ?? view.dimension) == view.dimension
        else {
          misfits.append(id)
          continue
        }
        let query = try PreparedQuery(numbers)
        let estimate =
          view.fineScore(index, query)
          + (try centroid.map { try exactScore(numbers, $0.span.bytes) } ?? 0)
        // The numbers themselves are compared with the code: nothing of them is rounded.
        let doubt = BlockBounds(view, norm: query.norm, roundingError: 0, .proven)
          .doubt(Double(view.fineError(index).value))
        if !(abs(try exactScore(numbers, numbers.span.bytes) - estimate) <= doubt) {
          misfits.append(id)
        }
      }
      return misfits
    }
  }
}
