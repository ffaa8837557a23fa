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

/// Pictures of one size and any number of channels, one after another:
/// `[pictures · height · width, channels]`, a row a pixel.
public struct FeatureMap: Sendable, Equatable {
  /// Number of pictures.
  public private(set) var count: Int
  /// Pixels of a picture.
  public private(set) var height, width: Int
  /// One row for each pixel.
  public var pixels: Matrix

  /// A map over the given numbers.
  public init(count: Int = 1, height: Int, width: Int, pixels: Matrix) {
    precondition(pixels.rows == count * height * width)
    self.count = count
    self.height = height
    self.width = width
    self.pixels = pixels
  }

  /// An empty map, which takes the shape of what is written into it.
  public init() {
    self.init(count: 0, height: 0, width: 0, pixels: Matrix())
  }

  /// The pictures of several maps of one size, in their order.
  public init(joining maps: [FeatureMap]) {
    guard let first = maps.first else { self.init(); return }
    precondition(
      maps.allSatisfy {
        ($0.height, $0.width, $0.channels) == (first.height, first.width, first.channels)
      }, "maps of several sizes")
    var values: [Float] = []
    values.reserveCapacity(maps.reduce(0) { $0 + $1.pixels.values.count })
    for map in maps { values += map.pixels.values }
    self.init(
      count: maps.reduce(0) { $0 + $1.count }, height: first.height, width: first.width,
      pixels: Matrix(
        rows: values.count / max(first.channels, 1), columns: first.channels, values: values))
  }

  /// Numbers of a pixel.
  public var channels: Int { pixels.columns }

  /// Some of the pictures.
  public subscript(range: Range<Int>) -> FeatureMap {
    guard range != 0..<count else { return self }
    let size = height * width
    return FeatureMap(
      count: range.count, height: height, width: width,
      pixels: pixels.rows(range.lowerBound * size..<range.upperBound * size))
  }

  mutating func reshape(count: Int, height: Int, width: Int, channels: Int) {
    pixels.reshape(rows: count * height * width, columns: channels)
    self.count = count
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
