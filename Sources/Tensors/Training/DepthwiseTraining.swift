internal import CKernels

extension DepthwiseConvolution {
  /// Adds the gradients of the parameters to `gradient`, and writes that of x into dx: the
  /// convolution of dy by the kernels turned around. For a stride of 1.
  /// - Parameters:
  ///   - dy: The gradient of the output before a ReLU6.
  ///   - x: What the layer was given.
  public func backward(
    _ dy: Matrix, of x: FeatureMap, into gradient: inout DepthwiseConvolution, dx: inout Matrix
  ) {
    precondition(shape.stride == 1 && max(shape.top, shape.left) < shape.kernel)
    let channels = shape.outputs
    let sizes = shape.sizes(height: x.height, width: x.width)
    let reversed = kernel_convolution(
      height: sizes.output_height, width: sizes.output_width, channels: channels,
      kernel: shape.kernel, stride: 1, top: shape.kernel - 1 - shape.top,
      left: shape.kernel - 1 - shape.left, output_height: x.height, output_width: x.width)
    let taps = shape.kernel * shape.kernel
    let turned = (0..<taps).reversed().flatMap { weight[$0 * channels..<($0 + 1) * channels] }
    run(
      dy, reversed, weight: turned, bias: [Float](repeating: 0, count: channels), clamps: false,
      into: &dx)

    precondition(dx.rows == x.pixels.rows && x.channels == channels)
    x.pixels.withPointer { x_ in
      dy.withPointer { dy_ in
        gradient.weight.withMutablePointer(count: taps * channels) { weight in
          inParallel(
            rows: channels, multipleOf: 16, operations: taps * dy.rows * channels
          ) { part in
            let first = part.lowerBound
            for picture in 0..<x.count {
              kernel_depthwise_backward(
                sizes, x_ + picture * sizes.pixels * channels + first,
                dy_ + picture * reversed.pixels * channels + first, part.count, weight + first)
            }
          }
        }
      }
    }
    sumColumns(dy, into: &gradient.bias)
  }
}
