internal import Images
internal import LMDB
internal import VectorIndex

/// A row of `details`: a checksum u32 of what follows (the lower half of the checksum of the bytes),
/// then the fields of `PictureDetails.encoded`, which are none where the file says nothing.
enum DetailsCodec: Codec {
  static func encode(_ details: PictureDetails) -> [UInt8] {
    let fields = details.encoded
    var writer = ByteWriter()
    writer.write(UInt32(truncatingIfNeeded: fields.withUnsafeBytes { checksum($0) }))
    return writer.bytes + fields
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> PictureDetails {
    var reader = ByteReader(bytes)
    let sum = try reader.read(UInt32.self)
    let fields = try reader.read(count: bytes.byteCount - 4)
    guard UInt32(truncatingIfNeeded: fields.withUnsafeBytes { checksum($0) }) == sum else {
      throw MalformedBytes("details whose checksum is wrong")
    }
    guard let details = PictureDetails(encoded: fields) else {
      throw MalformedBytes("details that cannot be read")
    }
    return details
  }
}
