public import Tensors

/// The codes of the centroids of all lists, in one value that is scanned where it lies: so choosing among
/// thousands of lists costs less than scanning the chosen ones.
///
/// | bytes | what |
/// |---|---|
/// | 8 | checksum of all the rest |
/// | 8 | how many centroids there are, n |
/// | n′ × 4 | what is taken from their scores (Float32); n′ is n rounded up to a multiple of 8 |
/// | rest | the block of their codes, the ids of which are rows (`BlockLayout`) |
///
/// All little-endian.
public struct CentroidCodes: @unchecked Sendable {
  private static let header = 16

  private let block: BlockView
  /// What is taken from the scores; +infinity for what fills up the last group.
  private let penalties: [Float]

  /// How many lists there are.
  public var count: Int { block.count }

  /// Reads a value that stays where it is for as long as it is used. Throws where it is not as it was
  /// written, or is of another dimension.
  public init(_ value: StoredBlock, dimension: Int) throws(VectorError) {
    let bytes = value.bytes
    try Self.verify(bytes)
    let (count, padded) = try Self.counts(of: bytes)
    block = try BlockView(
      UnsafeRawBufferPointer(rebasing: bytes[(Self.header + 4 * padded)...]))
    guard block.count == count, block.dimension == dimension else {
      throw VectorError(
        description: "\(block.count) centroids of \(block.dimension) numbers where \(count) of "
          + "\(dimension) belong")
    }
    penalties = (0..<padded).map {
      Float(
        bitPattern: UInt32(
          littleEndian: bytes.loadUnaligned(
            fromByteOffset: Self.header + 4 * $0, as: UInt32.self)))
    }
    guard penalties.prefix(count).allSatisfy(\.isFinite),
      penalties.dropFirst(count).allSatisfy({ $0 == .infinity })
    else { throw VectorError(description: "centroids with numbers that are not finite") }
  }

  /// The rows of the centroids whose lists a query probes, the most promising first. `query` has as many
  /// numbers as a centroid.
  func lists(near query: PreparedQuery, _ probes: Probes) -> [Int] {
    probes.chosen(from: scores(of: query))
  }

  /// What orders the lists for a query: q·c less the penalty, up to the coarser code's error;
  /// −infinity in what fills up the last group.
  func scores(of query: PreparedQuery) -> [Float] {
    block.coarseScores(query, less: penalties)
  }
}

extension CentroidCodes {
  /// Half of |c|² is what makes the order of q·c that of Euclidean distance. The members of a list
  /// with a short centroid lie scattered about it, so that it holds fewer of a query's neighbors than
  /// its distance says, and one with a long centroid more. Measured with 4,000 lists of 100,000
  /// clustered vectors, probed by a margin: for a recall of 0.95 a share of 0 scans 1,739 vectors, 1/8
  /// 555, 1/4 336, 1/3 354, 1/2 404; for one of 0.99 it is 9,473, 6,276, 3,972, 4,196 and 4,541. The
  /// same shares are best with 1,264 lists.
  private static let penaltyShare: Float = 0.25

  /// The value for these centroids, one a row. Throws where there is none, or a number is not finite or
  /// huge.
  public static func encode(_ centroids: Matrix) throws(VectorError) -> [UInt8] {
    guard centroids.rows > 0 else { throw VectorError(description: "no centroids") }
    let block = try VectorBlock.encode(
      ids: (0..<UInt64(centroids.rows)).map { $0 }, vectors: centroids.values,
      dimension: centroids.columns)
    var rest: [UInt8] = []
    withUnsafeBytes(of: UInt64(centroids.rows).littleEndian) { rest += $0 }
    for row in 0..<(centroids.rows + 7) / 8 * 8 {
      var penalty = Float.infinity
      if row < centroids.rows {
        let centroid = Array(centroids[row: row])
        penalty = penaltyShare * dot(centroid, centroid)
      }
      withUnsafeBytes(of: penalty.bitPattern.littleEndian) { rest += $0 }
    }
    rest += block
    let sum = rest.withUnsafeBytes { checksum($0) }
    return withUnsafeBytes(of: sum.littleEndian, Array.init) + rest
  }

  /// The rows of `centroids` whose codes are not theirs. Throws where the value is not as it was written,
  /// or is of more or fewer centroids.
  public static func misfits(in codes: RawSpan, centroids: Matrix) throws -> [UInt64] {
    let (count, padded) = try codes.withUnsafeBytes { bytes throws(VectorError) in
      try verify(bytes)
      return try counts(of: bytes)
    }
    let block = codes.extracting(droppingFirst: header + 4 * padded)
    guard count == centroids.rows, try VectorBlock.ids(of: block) == (0..<UInt64(count)).map({ $0 })
    else {
      throw VectorError(description: "\(count) centroids where \(centroids.rows) belong")
    }
    return try VectorBlock.misfits(in: block) { Array(centroids[row: Int($0)]) }
  }

  private static func verify(_ codes: UnsafeRawBufferPointer) throws(VectorError) {
    guard codes.count >= header else {
      throw VectorError(description: "centroids of \(codes.count) bytes")
    }
    let stored = UInt64(littleEndian: codes.loadUnaligned(as: UInt64.self))
    guard checksum(UnsafeRawBufferPointer(rebasing: codes[8...])) == stored else {
      throw VectorError(description: "centroids whose checksum is wrong")
    }
  }

  /// How many centroids there are, and that rounded up to whole groups of codes.
  private static func counts(of codes: UnsafeRawBufferPointer) throws(VectorError) -> (Int, Int) {
    let count = UInt64(littleEndian: codes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    guard 1...UInt64(VectorBlock.greatestCount) ~= count else {
      throw VectorError(description: "\(count) centroids")
    }
    let padded = (Int(count) + 7) / 8 * 8
    guard codes.count >= header + 4 * padded else {
      throw VectorError(description: "\(count) centroids in \(codes.count) bytes")
    }
    return (Int(count), padded)
  }
}
