import CKernels

/// One axis of Pillow's resampling: the input pixels that contribute to each output pixel, and
/// their weights (`precompute_coeffs` and `normalize_coeffs_8bpc` of Pillow's Resample.c, bicubic,
/// a = -0.5).
struct ResamplingAxis {
  /// The first input pixel of every output pixel's window.
  private(set) var starts: [Int32]
  /// `taps` weights for every output pixel, in fixed point with 22 fraction bits.
  private(set) var weights: [Int32]
  /// The length of a window: `starts[i] + taps` never passes the end of the input.
  let taps: Int

  init(from inputs: Int, to outputs: Int) {
    let scale = Double(inputs) / Double(outputs)
    let stretch = max(scale, 1)
    let support = 2 * stretch
    let longest = Int(support.rounded(.up)) * 2 + 1
    // Windows are padded with zero weights to a multiple of the vector width if the input is long
    // enough.
    let padded = (longest + 3) / 4 * 4
    taps = min(padded, inputs)
    starts = Array(repeating: 0, count: outputs)
    weights = Array(repeating: 0, count: outputs * taps)
    var window = [Double](repeating: 0, count: longest)
    for output in 0..<outputs {
      let center = (Double(output) + 0.5) * scale
      let first = max(Int(center - support + 0.5), 0)
      let end = min(Int(center + support + 0.5), inputs)
      var sum = 0.0
      for x in first..<end {
        let weight = Self.bicubic((Double(x) - center + 0.5) * (1 / stretch))
        window[x - first] = weight
        sum += weight
      }
      let start = min(first, inputs - taps)
      starts[output] = Int32(start)
      for x in first..<end {
        let weight = sum == 0 ? window[x - first] : window[x - first] / sum
        let scaled = weight * Double(1 << 22)
        weights[output * taps + x - start] = Int32(weight < 0 ? scaled - 0.5 : scaled + 0.5)
      }
    }
  }

  /// Keys' cubic kernel with a = -0.5, as Pillow factors it.
  private static func bicubic(_ distance: Double) -> Double {
    let a = -0.5
    let x = abs(distance)
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
    return 0
  }

  fileprivate func withKernelAxis(_ body: (resize_axis) -> Void) {
    starts.withUnsafeBufferPointer { starts in
      weights.withUnsafeBufferPointer { weights in
        body(
          resize_axis(
            starts: starts.baseAddress, weights: weights.baseAddress, taps: taps,
            outputs: starts.count))
      }
    }
  }
}

extension Picture {
  /// The picture scaled down so that neither side is longer than `side`.
  public func fitted(to side: Int) -> Picture {
    let longer = max(width, height)
    guard longer > side else { return self }
    func scaled(_ length: Int) -> Int { max(1, (length * side + longer / 2) / longer) }
    return resized(width: scaled(width), height: scaled(height))
  }

  /// The picture at another size, bit-identical to Pillow's bicubic resize: antialiased, along rows
  /// and along columns, in fixed point with clipping to bytes in between. A direction whose length
  /// does not change is skipped. Width and height must be positive.
  ///
  /// Rows come first unless the height shrinks by more than twice as much as the width: the order
  /// of Pillow 13.0.0, determined by comparing sizes (older versions always do rows first).
  public func resized(width: Int, height: Int) -> Picture {
    resized(width: width, height: height, fast: resize_has_fast_path())
  }

  /// `fast: false` uses the portable kernels, which give the same bytes.
  func resized(width newWidth: Int, height newHeight: Int, fast: Bool) -> Picture {
    precondition(newWidth > 0 && newHeight > 0 && width > 0 && height > 0)
    precondition(max(width, height, newWidth, newHeight) <= Int32.max / 4)
    let columnsFirst = height > newHeight && height - newHeight > 2 * (width - newWidth)
    var result = self
    for columns in [columnsFirst, !columnsFirst] {
      if columns, newHeight != height {
        result = result.resizedColumns(ResamplingAxis(from: height, to: newHeight), fast: fast)
      } else if !columns, newWidth != width {
        result = result.resizedRows(ResamplingAxis(from: width, to: newWidth), fast: fast)
      }
    }
    return result
  }

  private func resizedRows(_ axis: ResamplingAxis, fast: Bool) -> Picture {
    let newWidth = axis.starts.count
    let bytes = newWidth * height * 3
    let resized = [UInt8](unsafeUninitializedCapacity: bytes) { target, count in
      axis.withKernelAxis { resize_rows(pixels, width, height, $0, fast, target.baseAddress) }
      count = bytes
    }
    return Picture(width: newWidth, height: height, pixels: resized)
  }

  private func resizedColumns(_ axis: ResamplingAxis, fast: Bool) -> Picture {
    let newHeight = axis.starts.count
    let bytes = width * newHeight * 3
    let resized = [UInt8](unsafeUninitializedCapacity: bytes) { target, count in
      axis.withKernelAxis { resize_columns(pixels, width * 3, $0, fast, target.baseAddress) }
      count = bytes
    }
    return Picture(width: width, height: newHeight, pixels: resized)
  }
}
