/// An upright RGB picture, 8 bits per channel, row-major, `width * height * 3` bytes.
public struct Picture: Sendable, Hashable {
  /// The number of pixels in a row.
  public let width: Int
  /// The number of rows.
  public let height: Int
  /// Red, green and blue of every pixel, row by row.
  public var pixels: [UInt8]

  /// A picture with the given pixels, which must be `width * height * 3` bytes.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(pixels.count == width * height * 3)
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}

extension Picture {
  /// The picture rotated and mirrored according to an EXIF orientation (1...8), so that it is
  /// upright.
  func upright(from orientation: Int) -> Picture {
    // The source of pixel (0, 0) of the result, and the source offsets for one step right and down.
    let (right, bottom) = (width - 1, height - 1)
    let (start, stepRight, stepDown): (Int, Int, Int)
    switch orientation {
    case 2: (start, stepRight, stepDown) = (right, -1, width)
    case 3: (start, stepRight, stepDown) = (bottom * width + right, -1, -width)
    case 4: (start, stepRight, stepDown) = (bottom * width, 1, -width)
    case 5: (start, stepRight, stepDown) = (0, width, 1)
    case 6: (start, stepRight, stepDown) = (bottom * width, -width, 1)
    case 7: (start, stepRight, stepDown) = (bottom * width + right, -width, -1)
    case 8: (start, stepRight, stepDown) = (right, width, -1)
    default: return self
    }
    let swapped = orientation >= 5
    let (newWidth, newHeight) = swapped ? (height, width) : (width, height)
    let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { target, count in
      pixels.withUnsafeBufferPointer { source in
        var next = 0
        for y in 0..<newHeight {
          var from = (start + y * stepDown) * 3
          for _ in 0..<newWidth {
            target[next] = source[from]
            target[next + 1] = source[from + 1]
            target[next + 2] = source[from + 2]
            next += 3
            from += stepRight * 3
          }
        }
      }
      count = pixels.count
    }
    return Picture(width: newWidth, height: newHeight, pixels: turned)
  }
}
