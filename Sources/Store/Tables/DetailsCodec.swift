internal import Images
internal import LMDB

/// A row of `details`: a checksum u32 of what follows (the lower half of the checksum of the bytes),
/// then the fields of `PictureDetails.encoded`, which are none where the file says nothing.
enum DetailsCodec: Codec {
  static func encode(_ details: PictureDetails) -> [UInt8] { SummedBytes.encode(details.encoded) }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> PictureDetails {
    guard let details = PictureDetails(encoded: try SummedBytes.decode(bytes, of: "details")) else {
      throw MalformedBytes("details that cannot be read")
    }
    return details
  }
}
