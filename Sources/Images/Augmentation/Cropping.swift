/// A rectangle of a picture, in pixels.
package struct CropBox: Sendable, Equatable {
  /// The first column and row.
  package let left, top: Int
  /// The number of columns and rows.
  package let width, height: Int

  /// A box, which must lie inside the picture that it is cropped from.
  package init(left: Int, top: Int, width: Int, height: Int) {
    self.left = left
    self.top = top
    self.width = width
    self.height = height
  }
}

extension Picture {
  /// The part of the picture in `box`.
  package func cropped(to box: CropBox) -> Picture {
    precondition(box.left >= 0 && box.top >= 0 && box.width > 0 && box.height > 0)
    precondition(box.left + box.width <= width && box.top + box.height <= height)
    var part: [UInt8] = []
    part.reserveCapacity(box.width * box.height * 3)
    for row in box.top..<box.top + box.height {
      let start = (row * width + box.left) * 3
      part += pixels[start..<start + box.width * 3]
    }
    return Picture(width: box.width, height: box.height, pixels: part)
  }

  /// The picture flipped horizontally.
  package func flipped() -> Picture {
    var flipped: [UInt8] = []
    flipped.reserveCapacity(pixels.count)
    for row in 0..<height {
      for column in (0..<width).reversed() {
        let start = (row * width + column) * 3
        flipped += pixels[start..<start + 3]
      }
    }
    return Picture(width: width, height: height, pixels: flipped)
  }
}
