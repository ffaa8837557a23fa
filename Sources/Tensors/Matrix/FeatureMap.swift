/// How a convolution moves over a picture of `[height · width, inputs]`, channels together.
public struct ConvolutionShape: Sendable, Equatable {
  /// Channels in and out.
  public let inputs, outputs: Int
  /// Pixels on a side of the kernel, and between two applications of it.
  public let kernel, stride: Int
  /// Zeros around the input.
  public let top, left, bottom, right: Int

  /// A convolution of the given sizes.
  public init(
    inputs: Int, outputs: Int, kernel: Int, stride: Int, top: Int, left: Int, bottom: Int,
    right: Int
  ) {
    precondition(inputs > 0 && outputs > 0 && kernel > 0 && stride > 0)
    precondition(top >= 0 && left >= 0 && bottom >= 0 && right >= 0)
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }

  /// Height of the output for an input of the given height.
  public func height(for height: Int) -> Int { (height + top + bottom - kernel) / stride + 1 }

  /// Width of the output for an input of the given width.
  public func width(for width: Int) -> Int { (width + left + right - kernel) / stride + 1 }
}

/// A picture of any number of channels: `[height · width, channels]`, row after row.
public struct FeatureMap: Sendable {
  /// Pixels.
  public private(set) var height, width: Int
  /// One row a pixel.
  public var pixels: Matrix

  /// A map over the given numbers.
  public init(height: Int, width: Int, pixels: Matrix) {
    precondition(pixels.rows == height * width)
    self.height = height
    self.width = width
    self.pixels = pixels
  }

  /// A map of nothing, to be given a shape by what is written into it.
  public init() {
    self.init(height: 0, width: 0, pixels: Matrix())
  }

  mutating func reshape(height: Int, width: Int, channels: Int) {
    pixels.reshape(rows: height * width, columns: channels)
    self.height = height
    self.width = width
  }
}

/// x `[rows, columns]`, row-major, as `[columns, rows]`.
func transposed(_ x: [Float], rows: Int, columns: Int) -> [Float] {
  precondition(x.count == rows * columns)
  return [Float](unsafeUninitializedCapacity: x.count) { y, count in
    for row in 0..<rows {
      for column in 0..<columns { y[column * rows + row] = x[row * columns + column] }
    }
    count = x.count
  }
}
