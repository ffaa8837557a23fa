internal import CCodecs

extension Picture {
  /// Encodes the picture as a PNG, 8 bits per channel, without loss.
  ///
  /// - Precondition: Sides are from 1 to 65,500 pixels, as for ``jpeg(quality:)``.
  public func png() -> [UInt8] {
    precondition((1...65_500).contains(width) && (1...65_500).contains(height))
    var data: UnsafeMutablePointer<UInt8>?
    var size = 0
    let isEncoded = pixels.withUnsafeBufferPointer {
      codec_encode_png($0.baseAddress, Int32(width), Int32(height), &data, &size)
    }
    defer { codec_free(data) }
    // With the sides checked, only memory can be lacking.
    guard isEncoded, let data else { fatalError("out of memory while encoding a PNG") }
    return Array(UnsafeBufferPointer(start: data, count: size))
  }
}
