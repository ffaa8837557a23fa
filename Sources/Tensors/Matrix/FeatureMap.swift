/// The sizes of a convolution over a feature map `[height · width, inputs]`.
public struct ConvolutionShape: Sendable, Equatable {
  /// Channels in and out.
  public let inputs, outputs: Int
  /// The side of the square kernel, and the distance between two applications of it, in pixels.
  public let kernel, stride: Int
  /// Zero padding around the input.
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

/// A picture with any number of channels: `[height · width, channels]`, row by row.
public struct FeatureMap: Sendable {
  /// Its size in pixels.
  public private(set) var height, width: Int
  /// One row for each pixel.
  public var pixels: Matrix

  /// A map of the given numbers.
  public init(height: Int, width: Int, pixels: Matrix) {
    precondition(pixels.rows == height * width)
    self.height = height
    self.width = width
    self.pixels = pixels
  }

  /// An empty map; whatever writes into it gives it its shape.
  public init() {
    self.init(height: 0, width: 0, pixels: Matrix())
  }

  mutating func reshape(height: Int, width: Int, channels: Int) {
    pixels.reshape(rows: height * width, columns: channels)
    self.height = height
    self.width = width
  }
}

/// The transpose, `[columns, rows]`, of a row-major x `[rows, columns]`.
func transposed(_ x: [Float], rows: Int, columns: Int) -> [Float] {
  precondition(x.count == rows * columns)
  return [Float](unsafeUninitializedCapacity: x.count) { y, count in
    for row in 0..<rows {
      for column in 0..<columns { y[column * rows + row] = x[row * columns + column] }
    }
    count = x.count
  }
}
