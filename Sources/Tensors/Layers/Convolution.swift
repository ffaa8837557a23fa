/// A convolution over all channels, run as a matrix product.
public struct Convolution: Sendable {
  /// Sizes.
  public let shape: ConvolutionShape
  /// Whether the output passes a ReLU6.
  public let clamps: Bool
  /// The product of the gathered windows, a row each with the channels last, with the kernels.
  package var product: Linear

  /// A layer whose parameters are still to be loaded.
  public init(_ shape: ConvolutionShape, clamps: Bool = false) {
    self.shape = shape
    self.clamps = clamps
    product = Linear(
      inputs: shape.inputs * shape.kernel * shape.kernel, outputs: shape.outputs)
  }

  /// Visits `path.weight`, `[outputs, inputs, kernel, kernel]`, and `path.bias`.
  public mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    let stored = [shape.outputs, shape.inputs, shape.kernel, shape.kernel]
    guard shape.kernel > 1 else {
      return try product.forEachParameter(path, shape: stored, &visitor)
    }
    let taps = shape.kernel * shape.kernel
    var weight = swappingInWindows(product.weight.floats, rows: taps, columns: shape.inputs)
    try visitor.visit("\(path).weight", stored, &weight)
    // Stored with the channels last, as windows are gathered from the map.
    product.weight.floats = swappingInWindows(weight, rows: shape.inputs, columns: taps)
    try visitor.visit("\(path).bias", [shape.outputs], &product.bias)
  }

  /// Every row `[rows, columns]` of `weight` as `[columns, rows]`.
  private func swappingInWindows(_ weight: [Float], rows: Int, columns: Int) -> [Float] {
    return stride(from: 0, to: weight.count, by: rows * columns).flatMap { start in
      transposed(Array(weight[start..<start + rows * columns]), rows: rows, columns: columns)
    }
  }

  /// Writes the convolution of x, plus `addend` where given, into y, which takes the shape of the
  /// output. `windows` becomes what the product was given, unless that is x itself.
  public func callAsFunction(
    _ x: FeatureMap, plus addend: FeatureMap? = nil, windows: inout Matrix,
    into y: inout FeatureMap
  ) {
    precondition(x.channels == shape.inputs)
    y.reshape(
      count: x.count, height: shape.height(for: x.height), width: shape.width(for: x.width),
      channels: shape.outputs)
    let activation: Activation = clamps ? .relu6 : .identity
    if isPointwise {
      product(x.pixels, plus: addend?.pixels, then: activation, into: &y.pixels)
    } else {
      gather(x, height: y.height, width: y.width, into: &windows)
      product(windows, plus: addend?.pixels, then: activation, into: &y.pixels)
    }
  }

  /// Whether an output pixel is computed from the input pixel at its place.
  package var isPointwise: Bool {
    shape.kernel == 1 && shape.stride == 1
      && (shape.top, shape.left, shape.bottom, shape.right) == (0, 0, 0, 0)
  }

  /// One row an output pixel: the window it looks at, zeros where that leaves the picture.
  private func gather(_ x: FeatureMap, height: Int, width: Int, into windows: inout Matrix) {
    let channels = shape.inputs
    windows.reshape(
      rows: x.count * height * width, columns: shape.kernel * shape.kernel * channels)
    x.pixels.withPointer { pixels in
      windows.withMutablePointer { to in
        var to = to
        for picture in 0..<x.count {
          let from = pixels + picture * x.height * x.width * channels
          for row in 0..<height {
            for column in 0..<width {
              gatherWindow(of: x, from, row: row, column: column, into: &to)
            }
          }
        }
      }
    }
  }

  /// Writes one window and moves the pointer behind it.
  private func gatherWindow(
    of x: FeatureMap, _ from: UnsafePointer<Float>, row: Int, column: Int,
    into to: inout UnsafeMutablePointer<Float>
  ) {
    let channels = shape.inputs
    let top = row * shape.stride - shape.top
    let left = column * shape.stride - shape.left
    let inside = max(left, 0)..<max(min(left + shape.kernel, x.width), max(left, 0))
    for y in top..<top + shape.kernel {
      to.update(repeating: 0, count: shape.kernel * channels)
      if y >= 0 && y < x.height {
        (to + (inside.lowerBound - left) * channels).update(
          from: from + (y * x.width + inside.lowerBound) * channels,
          count: inside.count * channels)
      }
      to += shape.kernel * channels
    }
  }
}
