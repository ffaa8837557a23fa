package import Checkpoints
package import Tensors

/// The default model's stem: convolutions that turn a picture into a small map of many channels, in
/// place of a patch embedding of raw pixels. Batch norms are folded into the weights. A trained stem
/// has only the last layers; what the frozen ones before them give is computed once and kept.
package struct ConvolutionalStem: Sendable {
  /// The number, in the checkpoint, of the first layer here: pictures have passed those before it.
  package let first: Int
  package var layers: [StemConvolution]
  /// Which of the shared buffers each layer writes.
  private let slots: [Int]

  /// The layers of a stem from `first` on, whose parameters are still to be loaded.
  package init(_ stem: [StemLayer], from first: Int = 0, imageSize: Int) throws(BLIPError) {
    self.first = first
    var all: [StemConvolution] = []
    for (index, layer) in stem.enumerated() { all.append(try StemConvolution(layer, index: index)) }
    let side = all[..<first].reduce(imageSize) { $1.shape.height(for: $0) }
    layers = Array(all[first...])
    slots = Self.slots(for: layers, from: first, side: side)
  }

  /// Assigns every layer a buffer. An output is kept until its last reader (the next layer, or one
  /// that adds it) has run; then its buffer serves another output of the same size, so that no buffer
  /// ever grows or shrinks.
  /// - Parameter side: Pixels on a side of what the first layer is given.
  private static func slots(for stem: [StemConvolution], from first: Int, side: Int) -> [Int] {
    var lastReader = Array(1..<stem.count + 1)
    var sizes: [Int] = []
    var side = side
    for (index, layer) in stem.enumerated() {
      if case .full(_, let addend?) = layer, addend >= first {
        lastReader[addend - first] = max(lastReader[addend - first], index)
      }
      side = layer.shape.height(for: side)
      sizes.append(side * side * layer.shape.outputs)
    }
    var slots: [Int] = []
    var free: [Int: [Int]] = [:]
    for index in stem.indices {
      slots.append(free[sizes[index]]?.popLast() ?? (slots.max() ?? -1) + 1)
      // A buffer whose last reader is this layer is free for the next one.
      for earlier in 0..<index where lastReader[earlier] == index {
        free[sizes[earlier], default: []].append(slots[earlier])
      }
    }
    return slots
  }

  /// Visits the parameters of layer i under `path.i`.
  package mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    for index in layers.indices {
      try layers[index].forEachParameter("\(path).\(first + index)", &visitor)
    }
  }

  /// The outputs of the layers: those that are still needed or, saved for a backward pass, all.
  package struct Activations: Sendable {
    package fileprivate(set) var maps: [FeatureMap] = []
    fileprivate var windows = Matrix()
    fileprivate var last = 0

    /// No memory yet.
    package init() {}

    /// The last layer's output: `[pictures · height · width, outputs]`.
    package var output: FeatureMap { maps[last] }
  }

  /// Runs the layers over normalised pictures, or over what the layers before `first` made of them.
  /// - Parameters:
  ///   - count: How many of the layers; nil for all.
  ///   - savingActivations: Whether `maps` keeps every layer's output.
  package func callAsFunction(
    _ x: FeatureMap, layers count: Int? = nil, savingActivations: Bool = false,
    _ activations: inout Activations
  ) {
    let layers = layers.prefix(count ?? layers.count)
    precondition(!layers.isEmpty)
    let slots = savingActivations ? Array(layers.indices) : slots
    let buffers = 1 + (slots.max() ?? 0)
    while activations.maps.count < buffers { activations.maps.append(FeatureMap()) }
    for (index, layer) in layers.enumerated() {
      var output = FeatureMap()
      swap(&output, &activations.maps[slots[index]])
      let input = index == 0 ? x : activations.maps[slots[index - 1]]
      switch layer {
      case .full(let convolution, let addend):
        // A layer may add what the first one was given.
        let addend = addend.map { $0 < first ? x : activations.maps[slots[$0 - first]] }
        convolution(input, plus: addend, windows: &activations.windows, into: &output)
      case .depthwise(let convolution):
        convolution(input, into: &output)
      }
      swap(&output, &activations.maps[slots[index]])
    }
    activations.last = slots[layers.count - 1]
  }
}
