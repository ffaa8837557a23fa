/// The mean colour, without its brightness, in each of 4 × 4 parts of a picture: it distinguishes pictures
/// that have the same shapes in other colours, of which perceptual hashes of luma say nothing.
public struct ColorLayout: Sendable, Equatable {
  private static let side = 4

  /// Numbers of a layout.
  public static let count = 2 * side * side

  /// Cb and Cr (ITU-R BT.601; 128 is grey) of each part, row by row.
  public let values: [UInt8]

  /// The stored values; nil if there are not `count` of them.
  public init?(values: [UInt8]) {
    guard values.count == Self.count else { return nil }
    self.values = values
  }

  /// The layout of a picture.
  public init(of picture: Picture) {
    let small = picture.resized(width: Self.side, height: Self.side)
    values = (0..<Self.side * Self.side).flatMap { part in
      let (red, green, blue) = (
        Float(small.pixels[3 * part]), Float(small.pixels[3 * part + 1]),
        Float(small.pixels[3 * part + 2])
      )
      let luma = luma(red: red, green: green, blue: blue)
      return [(blue - luma) * 0.564, (red - luma) * 0.713].map {
        UInt8(min(max(128 + $0, 0), 255).rounded())
      }
    }
  }

  /// The mean difference of their values.
  public func distance(to other: ColorLayout) -> Float {
    let sum = zip(values, other.values).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
    return Float(sum) / Float(Self.count)
  }
}

/// Luma of a colour (ITU-R BT.601, as in JPEG).
func luma(red: Float, green: Float, blue: Float) -> Float {
  0.299 * red + 0.587 * green + 0.114 * blue
}
