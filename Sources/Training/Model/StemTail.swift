internal import BLIP
internal import Checkpoints
internal import Tensors

/// The last layers of a convolutional stem, behind all that shrink the picture: few enough pixels that
/// training them costs a tenth of a step. Those before them are run once and kept.
struct StemTail: Sendable {
  /// The number of the first of them in the stem.
  let first: Int
  /// Pixels on a side of every layer's map.
  private let side: Int
  private var layers: [StemConvolution]

  /// The tail of a stem; nil where its last layer is not one that can be trained.
  init?(_ stem: [StemLayer], side: Int) throws {
    guard let first = Self.start(of: stem) else { return nil }
    (self.first, self.side) = (first, side)
    layers = try stem.indices[first...].map { try StemConvolution(stem[$0], index: $0) }
  }

  /// Where the tail begins: behind the narrowest map of full depth, of which there is least to keep.
  static func start(of stem: [StemLayer]) -> Int? {
    let starts = (1..<max(stem.count, 1)).filter { start in
      stem[start...].allSatisfy {
        $0.stride == 1 && $0.kind != .conv && $0.padding[0] + $0.padding[2] == $0.kernel - 1
          && $0.padding[1] + $0.padding[3] == $0.kernel - 1 && $0.add ?? start >= start - 1
      }
    }
    return starts.min { (stem[$0 - 1].outputs, $0) < (stem[$1 - 1].outputs, $1) }
  }

  /// Whether a parameter is a stem's.
  static func has(_ parameter: String) -> Bool { parameter.hasPrefix("\(path).") }

  /// Whether a parameter is that of one of a stem's first layers.
  static func has(_ parameter: String, before end: Int) -> Bool {
    has(parameter)
      && Int(parameter.dropFirst(path.count + 1).prefix { $0 != "." }).map { $0 < end } == true
  }

  private static let path = "vision_model.embeddings.stem"

  /// Shows the parameters under their names in the checkpoint.
  mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    for index in layers.indices {
      try layers[index].forEachParameter("\(Self.path).\(first + index)", &visitor)
    }
  }

  /// Numbers that the layers give for a picture.
  var numbersOfAPicture: Int {
    layers.reduce(0) { $0 + side * side * $1.shape.outputs }
  }

  /// What every layer gives for pictures one behind the other, `[pictures · side · side, channels]`.
  func callAsFunction(_ x: Matrix) -> [Matrix] {
    var outputs: [Matrix] = []
    for layer in layers {
      var y = Matrix()
      let input = outputs.last ?? x
      switch layer {
      case .full(let convolution, let addend):
        // The tail's own input is what the layer before it gave.
        convolution.product(
          input, plus: addend.map { $0 < first ? x : outputs[$0 - first] },
          then: convolution.clamps ? .relu6 : .identity, into: &y)
      case .depthwise(let convolution): convolution(input, side: side, into: &y)
      }
      outputs.append(y)
    }
    return outputs
  }

  /// Adds to the gradient what reaches the parameters from the last layer's output.
  func backward(_ dOutput: Matrix, of x: Matrix, _ outputs: [Matrix], into gradient: inout StemTail)
  {
    // Of every layer's output, as far as it is known.
    var gradients = [Matrix?](repeating: nil, count: layers.count)
    gradients[layers.count - 1] = dOutput
    func add(_ d: Matrix, at index: Int) {
      guard index >= 0 else { return }
      if gradients[index] == nil {
        gradients[index] = d
      } else {
        Tensors.add(d.values, to: &gradients[index]!)
      }
    }
    for index in layers.indices.reversed() {
      guard var dy = gradients[index] else { continue }
      gradients[index] = nil
      if layers[index].clamps { relu6Backward(&dy, of: outputs[index]) }
      let input = index == 0 ? x : outputs[index - 1]
      var dx = Matrix()
      switch (layers[index], gradient.layers[index]) {
      case (.full(let layer, let addend), .full(var sums, _)):
        if let addend { add(dy, at: addend - first) }
        if index > 0 {
          layer.product.backward(dy, of: input, into: &sums.product, dx: &dx)
        } else {
          layer.product.backward(dy, of: input, into: &sums.product)
        }
        gradient.layers[index] = .full(sums, addend: addend)
      case (.depthwise(let layer), .depthwise(var sums)):
        layer.backward(dy, of: input, side: side, into: &sums, dx: &dx)
        gradient.layers[index] = .depthwise(sums)
      default: preconditionFailure("the gradient of another stem")
      }
      add(dx, at: index - 1)
    }
  }
}
