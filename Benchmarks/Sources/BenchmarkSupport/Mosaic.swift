import Images

/// A JPEG of 8 × 6 fields of random colours, different for each number.
public func mosaic(_ number: Int) -> [UInt8] {
  var state = UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15 | 1
  let fields = (0..<8 * 6 * 3).map { _ in
    // Knuth's linear congruential generator; its upper bits are random enough for colours.
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(state >> 56)
  }
  var pixels: [UInt8] = []
  for y in 0..<96 {
    for x in 0..<128 {
      let field = 3 * (y / 16 * 8 + x / 16)
      pixels += fields[field..<field + 3]
    }
  }
  return Picture(width: 128, height: 96, pixels: pixels).jpeg(quality: 85)
}
