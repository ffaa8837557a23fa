internal import Checkpoints
internal import Tensors

/// The default model's stem: convolutions that turn a picture into a small map of many channels, in
/// place of the linear patch embedding's look at raw pixels. Batch norms are in the weights.
package struct ConvolutionalStem: Sendable {
  private var layers: [StemConvolution]
  /// Which of the shared buffers each layer writes.
  private let slots: [Int]

  init(_ stem: [StemLayer], imageSize: Int) throws(BLIPError) {
    layers = []
    for (index, layer) in stem.enumerated() {
      layers.append(try StemConvolution(layer, index: index))
    }
    slots = Self.slots(for: layers, imageSize: imageSize)
  }

  /// Gives every layer a buffer. An output stays only until its last reader (the next layer, or one
  /// that adds it) is through; then its buffer serves another output of the same size, so that no
  /// buffer ever grows or shrinks.
  private static func slots(for stem: [StemConvolution], imageSize: Int) -> [Int] {
    var lastReader = Array(1...stem.count)
    var sizes: [Int] = []
    var side = imageSize
    for (index, layer) in stem.enumerated() {
      if case .full(_, let addend?) = layer {
        lastReader[addend] = max(lastReader[addend], index)
      }
      side = layer.shape.height(for: side)
      sizes.append(side * side * layer.shape.outputs)
    }
    var slots: [Int] = []
    var free: [Int: [Int]] = [:]
    for index in stem.indices {
      slots.append(free[sizes[index]]?.popLast() ?? (slots.max() ?? -1) + 1)
      // What this layer was the last to read is free for the next one.
      for earlier in 0..<index where lastReader[earlier] == index {
        free[sizes[earlier], default: []].append(slots[earlier])
      }
    }
    return slots
  }

  /// Shows the parameters of layer i under `path.i`.
  mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    for index in layers.indices {
      try layers[index].forEachParameter("\(path).\(index)", &visitor)
    }
  }

  /// Room for the outputs of the layers that are still needed.
  struct Activations: Sendable {
    fileprivate var maps: [FeatureMap] = []
    fileprivate var windows = Matrix()
    /// What the last layer gave: `[height · width, outputs]`.
    var output = FeatureMap()
  }

  /// Runs the layers over a normalised picture, all or the first so many, and leaves the last one's
  /// output in `activations`.
  func callAsFunction(
    _ pixels: FeatureMap, layers count: Int? = nil, _ activations: inout Activations
  ) {
    let count = count ?? layers.count
    precondition(1...layers.count ~= count)
    let room = (slots.max() ?? 0) + 1
    while activations.maps.count < room { activations.maps.append(FeatureMap()) }
    for (index, layer) in layers.prefix(count).enumerated() {
      var output = FeatureMap()
      swap(&output, &activations.maps[slots[index]])
      let input = index == 0 ? pixels : activations.maps[slots[index - 1]]
      switch layer {
      case .full(let convolution, let addend):
        convolution(
          input, plus: addend.map { activations.maps[slots[$0]] }, windows: &activations.windows,
          into: &output)
      case .depthwise(let convolution):
        convolution(input, into: &output)
      }
      swap(&output, &activations.maps[slots[index]])
    }
    swap(&activations.output, &activations.maps[slots[count - 1]])
  }
}
