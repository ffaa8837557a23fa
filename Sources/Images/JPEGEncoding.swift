internal import CCodecs

extension Picture {
  /// Encodes the picture as a baseline JPEG (4:2:0, optimised Huffman tables) with `quality` from 1
  /// to 100.
  ///
  /// - Precondition: Sides are at most 65,500 pixels, libjpeg's limit.
  public func jpeg(quality: Int) -> [UInt8] {
    precondition((1...65_500).contains(width) && (1...65_500).contains(height))
    var data: UnsafeMutablePointer<UInt8>?
    var size = 0
    let isEncoded = pixels.withUnsafeBufferPointer {
      codec_encode_jpeg($0.baseAddress, Int32(width), Int32(height), Int32(quality), &data, &size)
    }
    defer { codec_free(data) }
    // With the sides checked, only memory can be lacking.
    guard isEncoded, let data else { fatalError("out of memory while encoding a JPEG") }
    return Array(UnsafeBufferPointer(start: data, count: size))
  }
}
