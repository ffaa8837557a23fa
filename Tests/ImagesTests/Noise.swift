import Images

/// The noise of make_image_fixtures.py: the corner of a 401 × 300 picture filled by a linear
/// congruential generator.
func noise(width: Int, height: Int) -> Picture {
  var pixels: [UInt8] = []
  for y in 0..<height { pixels += noisePixels[y * 401 * 3..<(y * 401 + width) * 3] }
  return Picture(width: width, height: height, pixels: pixels)
}

private let noisePixels: [UInt8] = {
  var state = 1
  return (0..<300 * 401 * 3).map { _ in
    state = (state * 1_103_515_245 + 12345) % (1 << 31)
    return UInt8(state >> 16 & 255)
  }
}()
