package import Checkpoints
package import Tensors

/// A layer of a convolutional stem, as it is run.
package enum StemConvolution: Sendable {
  /// Over all channels; then the output of the layer of the number `addend` is added.
  case full(Convolution, addend: Int?)
  /// Channel by channel.
  case depthwise(DepthwiseConvolution)

  /// The layer of the number `index`, whose parameters are still to be loaded. Throws where there is
  /// no code for it.
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
          + "\(layer.kernel) and a stride of \(layer.stride); 3 or 5 and 1 or 2 can be run")
    }
    guard layer.add == nil else {
      throw BLIPError(
        "config.json: vision_config.stem.layers[\(index)] is depthwise and adds a layer; only "
          + "conv and pointwise layers can add")
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

  /// Shows the parameters under `path`.
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
