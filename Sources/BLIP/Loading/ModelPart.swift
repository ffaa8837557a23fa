package import Checkpoints
package import Tensors

/// A part of the model that is loaded separately.
package protocol ModelPart: Sendable {
  /// Visits every parameter, in the order of the computation.
  mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws

  /// Computes what is derived from the parameters, once they are loaded.
  mutating func prepare()
}

extension ModelPart {
  package mutating func prepare() {}

  /// The part with its parameters read from a checkpoint, for the given (resolved) precision.
  package func loaded(from weights: Weights, _ precision: Precision) throws -> Self {
    var part = self
    var reader = ParameterReader(weights: weights, precision: precision)
    try part.forEachParameter(&reader)
    part.prepare()
    return part
  }

  /// The shapes of the part's tensors by their names.
  func shapes() throws -> [String: [Int]] {
    var part = self
    var shapes = ParameterShapes()
    try part.forEachParameter(&shapes)
    return shapes.byName
  }
}

/// Loads parameters from a checkpoint. Matrices that it holds in 8 bits stay in 8 bits where floats are
/// wanted, which changes no value.
private struct ParameterReader: ParameterVisitor {
  let weights: Weights
  let precision: Precision

  /// The format of a matrix. Only those of the layers and of a stem are rounded, and the words where
  /// they are a layer (the decoder's last).
  private func format(_ name: String) -> PackedFormat {
    if name.contains("embeddings.stem") && precision.resolved != .fp32 { return .bfloat16 }
    guard name.contains("encoder.layer") || name.hasSuffix(".word_embeddings.weight") else {
      return .float32
    }
    return switch precision {
    case .fp32, .auto: .float32
    case .bf16: .bfloat16
    case .int8: .integers
    }
  }

  func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) throws {
    values = try weights.floats(name, shape: shape)
    weights.release(name)
  }

  func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) throws {
    defer { weights.release(name) }
    // The companion tensor of an I8 tensor; `BLIPModel.init` has checked that it exists.
    let scales = "\(name)_scale"
    let isQuantized = try weights.withBytes(of: name, shape: shape) { type, _ in type == .int8 }
    let format = format(name)
    guard isQuantized && format == .float32 else {
      return matrix.load(floats: try weights.floats(name, shape: shape), as: format)
    }
    let scale = try weights.floats(scales, shape: [matrix.rows])
    try weights.withBytes(of: name, shape: shape) { _, bytes in
      matrix.load(bytes: bytes.bytes, scales: scale)
    }
  }
}

/// Collects the shapes of the parameters.
private struct ParameterShapes: ParameterVisitor {
  var byName: [String: [Int]] = [:]

  mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {
    byName[name] = shape
  }

  mutating func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) {
    byName[name] = shape
  }
}
