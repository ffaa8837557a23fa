/// What the choice of lists needs of their centroids, in one value of a table that is scanned where it
/// lies: how many they are (u64), what is taken from their scores (Float32, filled up to whole groups of
/// codes), and the block of their codes. All little-endian.
public enum CentroidCodes {
  /// The value for these centroids.
  public static func encode(_ centroids: Centroids) -> [UInt8] {
    var bytes: [UInt8] = []
    withUnsafeBytes(of: UInt64(centroids.count).littleEndian) { bytes += $0 }
    for penalty in centroids.penalties {
      withUnsafeBytes(of: penalty.bitPattern.littleEndian) { bytes += $0 }
    }
    return bytes + centroids.block
  }

  /// The lists that a query probes, the most promising first. Throws where the value is damaged or of
  /// another dimension.
  public static func lists(in codes: RawSpan, near query: PreparedQuery, _ probes: Probes)
    throws(VectorError) -> [Int]
  {
    try codes.withUnsafeBytes { codes throws(VectorError) in
      guard codes.count >= 8 else {
        throw VectorError(description: "centroids of \(codes.count) bytes")
      }
      let count = UInt64(littleEndian: codes.loadUnaligned(as: UInt64.self))
      guard 1...UInt64(VectorBlock.greatestCount) ~= count else {
        throw VectorError(description: "\(count) centroids")
      }
      let padded = (Int(count) + 7) / 8 * 8
      guard codes.count >= 8 + 4 * padded else {
        throw VectorError(description: "\(count) centroids in \(codes.count) bytes")
      }
      let view = try BlockView(UnsafeRawBufferPointer(rebasing: codes[(8 + 4 * padded)...]))
      guard view.count == Int(count), view.dimension == query.numbers.count else {
        throw VectorError(
          description: "\(view.count) centroids of \(view.dimension) numbers where \(count) of "
            + "\(query.numbers.count) belong")
      }
      let penalties = (0..<padded).map {
        Float(
          bitPattern: UInt32(
            littleEndian: codes.loadUnaligned(fromByteOffset: 8 + 4 * $0, as: UInt32.self)))
      }
      let scores = view.coarseScores(query, less: penalties)
      guard scores.prefix(view.count).allSatisfy(\.isFinite),
        scores.dropFirst(view.count).allSatisfy({ $0 == -.infinity })
      else { throw VectorError(description: "centroids with numbers that are not finite") }
      return probes.chosen(from: scores)
    }
  }
}
