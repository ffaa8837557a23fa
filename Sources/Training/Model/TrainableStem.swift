internal import BLIP
internal import Checkpoints
internal import Tensors

/// Only the last layers of a stem are trained, after all that shrink the picture: on so few pixels
/// training them costs a tenth of a step.
extension ConvolutionalStem {
  /// The first layer that can be trained: the one after the narrowest full-depth map, which takes the
  /// least memory to keep. Nil where the last layer can't be trained.
  static func firstTrainableLayer(of stem: [StemLayer]) -> Int? {
    let starts = (1..<max(stem.count, 1)).filter { start in
      stem[start...].allSatisfy {
        $0.stride == 1 && $0.kind != .conv && $0.padding[0] + $0.padding[2] == $0.kernel - 1
          && $0.padding[1] + $0.padding[3] == $0.kernel - 1 && $0.add ?? start >= start - 1
      }
    }
    return starts.min { (stem[$0 - 1].outputs, $0) < (stem[$1 - 1].outputs, $1) }
  }

  /// Whether a parameter belongs to a stem.
  static func has(_ parameter: String) -> Bool { parameter.hasPrefix("\(path).") }

  /// Whether a parameter belongs to one of a stem's layers before `end`.
  static func has(_ parameter: String, before end: Int) -> Bool {
    has(parameter)
      && Int(parameter.dropFirst(path.count + 1).prefix { $0 != "." }).map { $0 < end } == true
  }

  private static var path: String { "vision_model.embeddings.stem" }

  /// The backward pass: adds to the gradient what reaches the parameters from the last layer's output.
  /// - Parameters:
  ///   - dOutput: `[pictures · height · width, channels]`
  ///   - x: What the first layer was given.
  ///   - activations: Of all layers.
  func backward(
    _ dOutput: Matrix, of x: FeatureMap, _ activations: Activations,
    into gradient: inout ConvolutionalStem
  ) {
    let outputs = activations.maps
    precondition(outputs.count == layers.count, "activations that were not saved")
    var sums = OutputGradients(dOutput, of: layers.count)
    for index in layers.indices.reversed() {
      guard var dy = sums.take(index) else { continue }
      if layers[index].clamps { relu6Backward(&dy, of: outputs[index].pixels) }
      let input = index == 0 ? x : outputs[index - 1]
      var dx = Matrix()
      switch (layers[index], gradient.layers[index]) {
      case (.full(let layer, let addend), .full(var gradients, _)):
        if let addend { sums.add(dy, at: addend - first) }
        if index > 0 {
          layer.product.backward(dy, of: input.pixels, into: &gradients.product, dx: &dx)
        } else {
          layer.product.backward(dy, of: input.pixels, into: &gradients.product)
        }
        gradient.layers[index] = .full(gradients, addend: addend)
      case (.depthwise(let layer), .depthwise(var gradients)):
        layer.backward(dy, of: input, into: &gradients, dx: &dx)
        gradient.layers[index] = .depthwise(gradients)
      default: preconditionFailure("the gradient of another stem")
      }
      sums.add(dx, at: index - 1)
    }
  }
}

/// The gradients of the layers' outputs, summed over those that read them.
private struct OutputGradients {
  private var sums: [Matrix?]

  /// Begins with the gradient of the last of `count` outputs.
  init(_ last: Matrix, of count: Int) {
    sums = [Matrix?](repeating: nil, count: count - 1) + [last]
  }

  mutating func take(_ index: Int) -> Matrix? {
    defer { sums[index] = nil }
    return sums[index]
  }

  /// Adds to the gradient of an output; what the first layer was given needs none.
  mutating func add(_ d: Matrix, at index: Int) {
    guard index >= 0 else { return }
    if sums[index] == nil {
      sums[index] = d
    } else {
      Tensors.add(d.values, to: &sums[index]!)
    }
  }
}
