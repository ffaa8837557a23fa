internal import LMDB
internal import Tensors
internal import VectorIndex

/// Patch features as they lie in the table `features`, little-endian: a checksum of the rest (u64), whose seed
/// is made of the index's mark and the picture's id, then
///
/// - bf16: `rows × columns` numbers, the upper half of a Float32, rounded to nearest, ties to even;
/// - int8: a Float32 scale a row, then `rows × columns` bytes; a number is its byte times the scale
///   of its row, which is the row's greatest magnitude divided by 127.
///
/// Formats 1 and 2 had rows u32 and columns u32 in the checksum's place; such values stay readable.
enum FeatureCodec {
  private static let headerBytes = 8

  /// The bytes of `features`, to be sealed; throws where one of the numbers is not finite or too great.
  static func encode(_ features: Matrix, as precision: FeaturePrecision) throws(MalformedBytes)
    -> [UInt8]
  {
    var writer = ByteWriter()
    writer.write(UInt64(0))
    switch precision {
    case .none: throw MalformedBytes("features, and the index stores none")
    case .bf16: try appendBF16(features, to: &writer)
    case .int8: try appendInt8(features, to: &writer)
    }
    return sealed(writer.bytes, seed: 0)
  }

  /// The bytes with a checksum of that seed.
  static func sealed(_ features: [UInt8], seed: UInt64) -> [UInt8] {
    var features = features
    let sum = checksum(of: features.span.bytes, seed: seed)
    withUnsafeBytes(of: sum.littleEndian) { features.replaceSubrange(..<headerBytes, with: $0) }
    return features
  }

  /// The features of bytes that must hold a matrix `[rows, columns]`.
  static func decode(
    _ bytes: RawSpan, rows: Int, columns: Int, as precision: FeaturePrecision, seed: UInt64 = 0
  ) throws(MalformedBytes) -> Matrix {
    let count = rows * columns
    let expected =
      switch precision {
      case .none: throw MalformedBytes("features in an index that stores none")
      case .bf16: headerBytes + 2 * count
      case .int8: headerBytes + 4 * rows + count
      }
    guard bytes.byteCount == expected else {
      throw MalformedBytes(
        "\(bytes.byteCount) bytes where \(rows)×\(columns) features take \(expected)")
    }
    let header = UInt64(littleEndian: bytes.unsafeLoadUnaligned(as: UInt64.self))
    // Those of older formats have another header, or a checksum without a seed.
    guard
      header == UInt64(columns) << 32 | UInt64(rows) || header == checksum(of: bytes, seed: seed)
        || header == checksum(of: bytes, seed: 0)
    else {
      throw MalformedBytes("features whose checksum is wrong")
    }
    let values =
      precision == .bf16 ? decodeBF16(bytes, count) : decodeInt8(bytes, rows: rows, columns)
    guard allFinite(values) else { throw MalformedBytes("features that are not finite") }
    return Matrix(rows: rows, columns: columns, values: values)
  }

  private static func appendBF16(_ features: Matrix, to writer: inout ByteWriter)
    throws(MalformedBytes)
  {
    writer.bytes.reserveCapacity(headerBytes + 2 * features.values.count)
    for value in features.values {
      let pattern = value.bitPattern
      let half = UInt16(truncatingIfNeeded: (pattern &+ 0x7FFF &+ (pattern >> 16 & 1)) >> 16)
      guard value.isFinite, half & 0x7F80 != 0x7F80 else {
        throw MalformedBytes("features that are not finite")
      }
      writer.write(half)
    }
  }

  private static func appendInt8(_ features: Matrix, to writer: inout ByteWriter)
    throws(MalformedBytes)
  {
    guard allFinite(features.values) else { throw MalformedBytes("features that are not finite") }
    writer.bytes.reserveCapacity(headerBytes + 4 * features.rows + features.values.count)
    var quantised: [UInt8] = []
    quantised.reserveCapacity(features.values.count)
    for row in 0..<features.rows {
      let numbers = features.values[row * features.columns..<(row + 1) * features.columns]
      let scale = numbers.reduce(0) { max($0, abs($1)) } / 127
      writer.write(scale.bitPattern)
      for number in numbers {
        // The scale of a row of tiny numbers can round to 0.
        let steps = scale == 0 ? 0 : (number / scale).rounded(.toNearestOrEven)
        quantised.append(UInt8(bitPattern: Int8(min(max(steps, -127), 127))))
      }
    }
    writer.bytes += quantised
  }

  private static func decodeBF16(_ bytes: RawSpan, _ count: Int) -> [Float] {
    bytes.withUnsafeBytes { bytes in
      [Float](unsafeUninitializedCapacity: count) { values, initialised in
        guard let from = bytes.baseAddress, let to = values.baseAddress else { return }
        for index in 0..<count {
          let half = from.loadUnaligned(
            fromByteOffset: headerBytes + 2 * index, as: UInt16.self)
          to[index] = Float(bitPattern: UInt32(UInt16(littleEndian: half)) << 16)
        }
        initialised = count
      }
    }
  }

  private static func decodeInt8(_ bytes: RawSpan, rows: Int, _ columns: Int) -> [Float] {
    bytes.withUnsafeBytes { bytes in
      [Float](unsafeUninitializedCapacity: rows * columns) { values, initialised in
        guard let from = bytes.baseAddress, let to = values.baseAddress else { return }
        for row in 0..<rows {
          let pattern = bytes.loadUnaligned(
            fromByteOffset: headerBytes + 4 * row, as: UInt32.self)
          let scale = Float(bitPattern: UInt32(littleEndian: pattern))
          let first = headerBytes + 4 * rows + row * columns
          for column in 0..<columns {
            let byte = from.loadUnaligned(fromByteOffset: first + column, as: Int8.self)
            to[row * columns + column] = Float(byte) * scale
          }
        }
        initialised = rows * columns
      }
    }
  }

  private static func checksum(of bytes: RawSpan, seed: UInt64) -> UInt64 {
    bytes.extracting(droppingFirst: headerBytes).withUnsafeBytes {
      VectorIndex.checksum($0, seed: seed)
    }
  }

  /// Without a branch a number, so that the loop becomes vector instructions: the exponent of what
  /// is not finite is all ones.
  private static func allFinite(_ values: [Float]) -> Bool {
    var greatest: Int32 = 0
    for value in values {
      greatest = max(greatest, Int32(bitPattern: value.bitPattern & 0x7F80_0000))
    }
    return greatest != 0x7F80_0000
  }
}
