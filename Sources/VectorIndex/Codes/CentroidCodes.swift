public import Tensors

/// What the choice of lists needs of their centroids, in one value of a table that is scanned where it
/// lies: a checksum of the rest (u64), how many they are (u64), what is taken from their scores
/// (Float32, filled up to whole groups of codes), and the block of their codes. All little-endian.
public enum CentroidCodes {
  private static let header = 16

  /// The value for these centroids.
  public static func encode(_ centroids: Centroids) -> [UInt8] {
    var rest: [UInt8] = []
    withUnsafeBytes(of: UInt64(centroids.count).littleEndian) { rest += $0 }
    for penalty in centroids.penalties {
      withUnsafeBytes(of: penalty.bitPattern.littleEndian) { rest += $0 }
    }
    rest += centroids.block
    let sum = rest.withUnsafeBytes { checksum($0) }
    return withUnsafeBytes(of: sum.littleEndian, Array.init) + rest
  }

  /// Throws where the bytes are not those that were written. A search checks lengths and numbers, and
  /// not this, which reads all.
  public static func verify(_ codes: RawSpan) throws(VectorError) {
    let stored = try storedChecksum(of: codes)
    let sum = codes.extracting(droppingFirst: 8).withUnsafeBytes { checksum($0) }
    guard sum == stored else { throw VectorError(description: "centroids whose checksum is wrong") }
  }

  /// What the checksum is said to be.
  public static func storedChecksum(of codes: RawSpan) throws(VectorError) -> UInt64 {
    guard codes.byteCount >= header else {
      throw VectorError(description: "centroids of \(codes.byteCount) bytes")
    }
    return UInt64(littleEndian: codes.unsafeLoadUnaligned(as: UInt64.self))
  }

  /// The lists that a query probes, the most promising first. Throws where the value is damaged or of
  /// another dimension.
  public static func lists(in codes: RawSpan, near query: PreparedQuery, _ probes: Probes)
    throws(VectorError) -> [Int]
  {
    try codes.withUnsafeBytes { codes throws(VectorError) in
      let (count, padded) = try counts(of: codes)
      let view = try BlockView(UnsafeRawBufferPointer(rebasing: codes[(header + 4 * padded)...]))
      guard view.count == count, view.dimension == query.numbers.count else {
        throw VectorError(
          description: "\(view.count) centroids of \(view.dimension) numbers where \(count) of "
            + "\(query.numbers.count) belong")
      }
      let penalties = (0..<padded).map {
        Float(
          bitPattern: UInt32(
            littleEndian: codes.loadUnaligned(fromByteOffset: header + 4 * $0, as: UInt32.self)))
      }
      let scores = view.coarseScores(query, less: penalties)
      guard scores.prefix(view.count).allSatisfy(\.isFinite),
        scores.dropFirst(view.count).allSatisfy({ $0 == -.infinity })
      else { throw VectorError(description: "centroids with numbers that are not finite") }
      return probes.chosen(from: scores)
    }
  }

  /// The rows of `centroids` whose codes are not theirs. Throws where the value is not as it was written,
  /// or is of more or fewer centroids.
  public static func misfits(in codes: RawSpan, centroids: Matrix) throws -> [UInt64] {
    try verify(codes)
    let (count, padded) = try codes.withUnsafeBytes { try counts(of: $0) }
    let block = codes.extracting(droppingFirst: header + 4 * padded)
    guard count == centroids.rows, try VectorBlock.ids(of: block) == (0..<UInt64(count)).map({ $0 })
    else {
      throw VectorError(description: "\(count) centroids where \(centroids.rows) belong")
    }
    return try VectorBlock.misfits(in: block) { Array(centroids[row: Int($0)]) }
  }

  /// How many centroids there are, and that filled up to whole groups of codes.
  private static func counts(of codes: UnsafeRawBufferPointer) throws(VectorError) -> (Int, Int) {
    guard codes.count >= header else {
      throw VectorError(description: "centroids of \(codes.count) bytes")
    }
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
