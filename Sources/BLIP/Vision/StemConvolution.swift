package import Checkpoints
package import Tensors

/// A layer of a convolutional stem.
package enum StemConvolution: Sendable {
  /// A convolution over all channels, to which the output of layer number `addend` is added.
  case full(Convolution, addend: Int?)
  /// A convolution of each channel by itself.
  case depthwise(DepthwiseConvolution)

  /// Layer number `index`, whose parameters are still to be loaded. Throws where it isn't supported.
  package init(_ layer: StemLayer, index: Int) throws(BLIPError) {
    let shape = ConvolutionShape(
      inputs: layer.inputs, outputs: layer.outputs, kernel: layer.kernel, stride: layer.stride,
      top: layer.padding[0], left: layer.padding[1], bottom: layer.padding[2],
      right: layer.padding[3])
    guard layer.kind == .depthwise else {
      self = .full(Convolution(shape, clamps: layer.relu6), addend: layer.add)
      return
    }
    guard DepthwiseConvolution.supports(kernel: layer.kernel, stride: layer.stride) else {
      throw BLIPError(
        "config.json: vision_config.stem.layers[\(index)] is depthwise with a kernel of "
          + "\(layer.kernel) and a stride of \(layer.stride); supported are 3 or 5, and 1 or 2")
    }
    guard layer.add == nil else {
      throw BLIPError(
        "config.json: vision_config.stem.layers[\(index)] is depthwise and adds a layer; only "
          + "conv and pointwise layers can")
    }
    self = .depthwise(DepthwiseConvolution(shape, clamps: layer.relu6))
  }

  /// Its sizes.
  package var shape: ConvolutionShape {
    switch self {
    case .full(let convolution, _): convolution.shape
    case .depthwise(let convolution): convolution.shape
    }
  }

  /// Whether its output passes a ReLU6.
  package var clamps: Bool {
    switch self {
    case .full(let convolution, _): convolution.clamps
    case .depthwise(let convolution): convolution.clamps
    }
  }

  /// Visits the parameters under `path`.
  package mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    switch self {
    case .full(var convolution, let addend):
      try convolution.forEachParameter(path, &visitor)
      self = .full(convolution, addend: addend)
    case .depthwise(var convolution):
      try convolution.forEachParameter(path, &visitor)
      self = .depthwise(convolution)
    }
  }
}
