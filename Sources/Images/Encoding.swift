internal import CCodecs

extension Picture {
  /// Encodes the picture as a baseline JPEG (4:2:0, optimised Huffman tables) with `quality` from 1
  /// to 100.
  ///
  /// - Precondition: Sides are at most 65,500 pixels, libjpeg's limit.
  public func jpeg(quality: Int) -> [UInt8] {
    precondition((1...65_500).contains(width) && (1...65_500).contains(height))
    return encoded { pixels, data, size in
      codec_encode_jpeg(pixels, Int32(width), Int32(height), Int32(quality), data, size)
    }
  }

  /// Encodes the picture as a lossy WebP with `quality` from 0 to 100.
  ///
  /// - Precondition: Sides are at most 16,383 pixels, the format's limit.
  public func webP(quality: Float) -> [UInt8] {
    precondition((1...16_383).contains(width) && (1...16_383).contains(height))
    return encoded { pixels, data, size in
      codec_encode_webp(pixels, Int32(width), Int32(height), quality, data, size)
    }
  }

  /// Encodes the picture as a PNG, without loss.
  ///
  /// - Precondition: Sides are at most 65,500 pixels.
  public func png() -> [UInt8] {
    precondition((1...65_500).contains(width) && (1...65_500).contains(height))
    return encoded { pixels, data, size in
      codec_encode_png(pixels, Int32(width), Int32(height), data, size)
    }
  }

  private func encoded(
    _ encode: (
      UnsafePointer<UInt8>?, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>,
      UnsafeMutablePointer<Int>
    ) -> Bool
  ) -> [UInt8] {
    var data: UnsafeMutablePointer<UInt8>?
    var size = 0
    let isEncoded = pixels.withUnsafeBufferPointer { encode($0.baseAddress, &data, &size) }
    defer { codec_free(data) }
    // With the sides checked, only memory can be lacking.
    guard isEncoded, let data else { fatalError("out of memory while encoding a picture") }
    return Array(UnsafeBufferPointer(start: data, count: size))
  }
}
