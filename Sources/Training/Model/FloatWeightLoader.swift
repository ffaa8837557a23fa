internal import BLIP
internal import Checkpoints
internal import Tensors

/// Loads the parameters of a trainable model from a checkpoint, as plain floats.
struct FloatWeightLoader: ParameterVisitor {
  let weights: Weights
  private var used: [String: [Int]] = [:]

  init(weights: Weights) { self.weights = weights }

  mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) throws {
    values = try floats(name, shape)
  }

  mutating func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) throws {
    matrix.load(plain: try floats(name, shape))
  }

  /// Throws if the checkpoint has a tensor that no parameter was loaded from. A decoder's copies of
  /// what it shares, a last layer tied to the words, and a stem's frozen layers are not parameters.
  func end() throws {
    try weights.requireExactly(
      used, ignoring: { $0.hasPrefix("text_decoder.") || ConvolutionalStem.has($0) })
  }

  private mutating func floats(_ name: String, _ shape: [Int]) throws -> [Float] {
    guard let source = source(of: name) else {
      if let start = start(of: name, shape) { return start }
      // Throws an error that names it.
      return try weights.floats(name, shape: shape)
    }
    // A single number is written without dimensions or with one.
    let isNumber = shape.isEmpty && weights.shape(of: source) == [1]
    let stored = isNumber ? [1] : shape
    used[source] = stored
    defer { weights.release(source) }
    return try weights.floats(source, shape: stored)
  }

  /// The tensor that a parameter is loaded from: decoder and encoder can replace each other.
  private func source(of name: String) -> String? {
    let (encoder, decoder) = ("text_encoder.", "text_decoder.bert.")
    var names = [name]
    if name.hasPrefix(decoder) { names.append(encoder + name.dropFirst(decoder.count)) }
    if name.hasPrefix(encoder) { names.append(decoder + name.dropFirst(encoder.count)) }
    return names.first { weights.shape(of: $0) != nil }
  }

  /// The initial values of a parameter that only training uses.
  private func start(of name: String, _ shape: [Int]) -> [Float]? {
    if name == "temp" { return [0.07] }
    guard name.hasPrefix("text_decoder.cls.predictions.") else { return nil }
    var values = [Float](
      repeating: name.hasSuffix("LayerNorm.weight") ? 1 : 0, count: shape.reduce(1, *))
    if shape.count == 2 {
      for row in 0..<min(shape[0], shape[1]) { values[row * shape[1] + row] = 1 }
    }
    return values
  }
}
