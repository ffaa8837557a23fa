/// An upright RGB picture, 8 bits a channel, row after row, `width * height * 3` bytes.
public struct Picture: Sendable, Equatable {
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Red, green and blue of every pixel.
  public var pixels: [UInt8]

  /// A picture of given pixels, of which there must be `width * height * 3` bytes.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(pixels.count == width * height * 3)
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}

extension Picture {
  /// The picture turned and mirrored as an EXIF orientation (1...8) asks, so that it stands upright.
  func upright(from orientation: Int) -> Picture {
    // Where the pixel (0, 0) of the result is taken from, and how far the source moves for a step
    // to the right and a step down.
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
