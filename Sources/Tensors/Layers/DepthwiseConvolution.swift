internal import CKernels

/// A depthwise convolution: every channel has its own kernel.
public struct DepthwiseConvolution: Sendable {
  /// Sizes; as many channels out as in.
  public let shape: ConvolutionShape
  /// Whether the output passes a ReLU6.
  public let clamps: Bool
  /// `[kernel, kernel, channels]`
  var weight: [Float] = []
  var bias: [Float] = []

  /// Whether a kernel size and stride are supported.
  public static func supports(kernel: Int, stride: Int) -> Bool {
    (kernel == 3 || kernel == 5) && (stride == 1 || stride == 2)
  }

  /// A layer whose parameters are still to be loaded.
  public init(_ shape: ConvolutionShape, clamps: Bool) {
    precondition(shape.inputs == shape.outputs)
    precondition(Self.supports(kernel: shape.kernel, stride: shape.stride))
    self.shape = shape
    self.clamps = clamps
  }

  /// Visits `path.weight`, `[channels, 1, kernel, kernel]`, and `path.bias`.
  public mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    let taps = shape.kernel * shape.kernel
    // Stored with the channels together, as in the map.
    var stored = weight.isEmpty ? [] : transposed(weight, rows: taps, columns: shape.outputs)
    try visitor.visit("\(path).weight", [shape.outputs, 1, shape.kernel, shape.kernel], &stored)
    weight = stored.isEmpty ? [] : transposed(stored, rows: shape.outputs, columns: taps)
    try visitor.visit("\(path).bias", [shape.outputs], &bias)
  }

  /// Writes the convolution of x into y, which takes the shape of the output.
  public func callAsFunction(_ x: FeatureMap, into y: inout FeatureMap) {
    let sizes = shape.sizes(height: x.height, width: x.width)
    y.reshape(
      count: x.count, height: sizes.output_height, width: sizes.output_width,
      channels: shape.outputs)
    run(x.pixels, sizes, weight: weight, bias: bias, clamps: clamps, into: &y.pixels)
  }

  /// Writes the convolution of every picture of x, which are of the size that `sizes` gives, into y.
  func run(
    _ x: Matrix, _ sizes: kernel_convolution, weight: [Float], bias: [Float], clamps: Bool,
    into y: inout Matrix
  ) {
    let channels = sizes.channels
    let pictures = x.rows / sizes.pixels
    precondition(x.columns == channels && x.rows == pictures * sizes.pixels)
    let pixels = sizes.output_height * sizes.output_width
    y.reshape(rows: pictures * pixels, columns: channels)
    let taps = sizes.kernel * sizes.kernel
    x.withPointer { x in
      weight.withPointer(count: taps * channels) { weight in
        bias.withPointer(count: channels) { bias in
          y.withMutablePointer { y in
            inParallel(rows: pictures, operations: pictures * pixels * taps * channels) {
              for picture in $0 {
                kernel_depthwise(
                  sizes, x + picture * sizes.pixels * channels, weight, bias, clamps,
                  y + picture * pixels * channels)
              }
            }
          }
        }
      }
    }
  }
}

extension kernel_convolution {
  /// Number of pixels of an input picture.
  var pixels: Int { height * width }
}

extension ConvolutionShape {
  /// The kernels' description of it, for an input of the given size.
  func sizes(height: Int, width: Int) -> kernel_convolution {
    kernel_convolution(
      height: height, width: width, channels: inputs, kernel: kernel, stride: stride, top: top,
      left: left, output_height: self.height(for: height), output_width: self.width(for: width))
  }
}
