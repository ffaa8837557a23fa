import Tensors
import Testing
import TestSupport

@testable import Checkpoints
@testable import Training

let fixtures = Checkout.fixtures(of: "TrainingTests")

/// A tiny BLIP that is all trainable, with random weights.
func tinyModel() throws -> TrainableModel {
  try TrainableModel(ModelFolder(path: "\(fixtures)/blip-tiny-training"))
}

/// Tensors that PyTorch computed, from a safetensors file among the fixtures.
struct Reference {
  private let tensors: [String: StoredTensor]

  init(_ name: String) throws { tensors = try readSafetensors("\(fixtures)/\(name)") }

  func has(_ name: String) -> Bool { tensors[name] != nil }

  private func tensor(_ name: String) throws -> StoredTensor {
    try #require(tensors[name], "no tensor \(name) among the fixtures")
  }

  func floats(_ name: String) throws -> [Float] {
    let tensor = try tensor(name)
    try #require(tensor.type == .float32)
    return tensor.withBytes { bytes in
      (0..<tensor.count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  func integers(_ name: String) throws -> [Int] {
    let tensor = try tensor(name)
    try #require(tensor.type == .int64)
    return tensor.withBytes { bytes in
      (0..<tensor.count).map {
        Int(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))
      }
    }
  }

  /// A tensor of two dimensions.
  func matrix(_ name: String) throws -> Matrix {
    let shape = try tensor(name).shape
    try #require(shape.count == 2)
    return Matrix(rows: shape[0], columns: shape[1], values: try floats(name))
  }

  /// Rows of token ids, each up to its first padding.
  func texts(_ name: String) throws -> [[Int32]] {
    let (ids, longest) = (try integers(name), try tensor(name).shape[1])
    return stride(from: 0, to: ids.count, by: longest).map { start in
      ids[start..<start + longest].prefix { $0 != 0 }.map { Int32($0) }
    }
  }

  /// Normalised pictures `[B, 3, height, width]` with the channels last.
  func pictures(_ name: String) throws -> [FeatureMap] {
    let (shape, values) = (try tensor(name).shape, try floats(name))
    let (channels, pixels) = (shape[1], shape[2] * shape[3])
    return (0..<shape[0]).map { picture in
      var map = Matrix(rows: pixels, columns: channels)
      for channel in 0..<channels {
        for pixel in 0..<pixels {
          map.values[pixel * channels + channel] =
            values[(picture * channels + channel) * pixels + pixel]
        }
      }
      return FeatureMap(height: shape[2], width: shape[3], pixels: map)
    }
  }
}

/// ‖a − b‖ and ‖b‖
func distance(_ a: [Float], _ b: [Float]) -> (difference: Double, length: Double) {
  guard a.count == b.count else { return (.infinity, 0) }
  let difference = zip(a, b).reduce(0) {
    $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
  }
  return (difference.squareRoot(), b.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot())
}

/// ‖a − b‖ / ‖b‖
func relativeError(_ a: [Float], _ b: [Float]) -> Double {
  let (difference, length) = distance(a, b)
  return difference / length
}
