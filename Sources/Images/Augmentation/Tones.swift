/// Tone operations, each bit-identical to Pillow's.
extension Picture {
  /// `ImageOps.autocontrast`: stretches each channel's levels to 0…255.
  func autoContrast() -> Picture {
    mapped { histogram in
      guard let low = histogram.firstIndex(where: { $0 > 0 }),
        let high = histogram.lastIndex(where: { $0 > 0 }), high > low
      else { return nil }
      let scale = 255 / Double(high - low)
      let offset = -Double(low) * scale
      return (0..<256).map { UInt8(min(max(Int(Double($0) * scale + offset), 0), 255)) }
    }
  }

  /// `ImageOps.equalize`: equalises each channel's histogram.
  func equalized() -> Picture {
    mapped { histogram in
      let used = histogram.filter { $0 > 0 }
      guard used.count > 1, let last = used.last else { return nil }
      let step = (used.reduce(0, +) - last) / 255
      guard step > 0 else { return nil }
      var sum = step / 2
      return histogram.map { count in
        defer { sum += count }
        return UInt8(min(sum / step, 255))
      }
    }
  }

  /// Maps each channel through the lookup table that `table` computes from its histogram; nil
  /// leaves the channel unchanged.
  private func mapped(_ table: ([Int]) -> [UInt8]?) -> Picture {
    var mapped = pixels
    for channel in 0..<3 {
      var histogram = [Int](repeating: 0, count: 256)
      for index in stride(from: channel, to: pixels.count, by: 3) {
        histogram[Int(pixels[index])] += 1
      }
      guard let table = table(histogram) else { continue }
      for index in stride(from: channel, to: pixels.count, by: 3) {
        mapped[index] = table[Int(pixels[index])]
      }
    }
    return Picture(width: width, height: height, pixels: mapped)
  }

  /// `ImageEnhance.Brightness`: 0 is black, 1 the original.
  func brightness(_ factor: Float) -> Picture {
    let table = (0..<256).map { Self.blended(0, UInt8($0), factor) }
    return Picture(width: width, height: height, pixels: pixels.map { table[Int($0)] })
  }

  /// `ImageEnhance.Sharpness`: 0 is the smoothed picture, 1 the original, more is sharper.
  func sharpness(_ factor: Float) -> Picture {
    let sharpened = zip(smoothed().pixels, pixels).map { Self.blended($0, $1, factor) }
    return Picture(width: width, height: height, pixels: sharpened)
  }

  /// `Image.filter(SMOOTH)`: the mean of each pixel, weighted five times, and its eight neighbours;
  /// the border is unchanged.
  private func smoothed() -> Picture {
    var smoothed = pixels
    let row = width * 3
    guard width > 2, height > 2 else { return self }
    for y in 1..<height - 1 {
      for index in y * row + 3..<(y + 1) * row - 3 {
        var sum = 4 * Int(pixels[index])
        for line in [index - row, index, index + row] {
          sum += Int(pixels[line - 3]) + Int(pixels[line]) + Int(pixels[line + 3])
        }
        // Round to nearest; thirteenths are never halfway.
        smoothed[index] = UInt8((2 * sum + 13) / 26)
      }
    }
    return Picture(width: width, height: height, pixels: smoothed)
  }

  /// `Image.blend` of two levels: the first at 0, the second at 1, extrapolated beyond.
  private static func blended(_ a: UInt8, _ b: UInt8, _ factor: Float) -> UInt8 {
    let level = Float(a) + factor * (Float(b) - Float(a))
    return UInt8(min(max(level, 0), 255))
  }
}
