internal import LMDB
internal import VectorIndex

/// Bytes after a checksum u32 of them: the lower half of the checksum of vectors' bytes.
enum SummedBytes {
  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(sum(of: bytes))
    return writer.bytes + bytes
  }

  /// - Parameter name: What the bytes are, for the error.
  static func decode(_ row: RawSpan, of name: String) throws(MalformedBytes) -> [UInt8] {
    var reader = ByteReader(row)
    let sum = try reader.read(UInt32.self)
    let bytes = try reader.read(count: row.byteCount - 4)
    guard Self.sum(of: bytes) == sum else {
      throw MalformedBytes("\(name) whose checksum is wrong")
    }
    return bytes
  }

  private static func sum(of bytes: [UInt8]) -> UInt32 {
    UInt32(truncatingIfNeeded: bytes.withUnsafeBytes { checksum($0) })
  }
}
