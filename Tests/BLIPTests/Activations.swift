import Tensors
import Testing

@testable import BLIP
@testable import Checkpoints

/// Tensors that PyTorch computed, from a safetensors file among the fixtures.
struct Activations {
  private let tensors: [String: StoredTensor]

  init(_ name: String) throws { try self.init(path: "\(fixtures)/\(name)") }

  init(path: String) throws { tensors = try readSafetensors(path) }

  private func tensor(_ name: String) throws -> StoredTensor {
    try #require(tensors[name], "no tensor \(name) among the fixtures")
  }

  func shape(_ name: String) throws -> [Int] { try tensor(name).shape }

  func floats(_ name: String) throws -> [Float] {
    let tensor = try tensor(name)
    #expect(tensor.type == .float32)
    return tensor.withBytes { bytes in
      (0..<tensor.count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  /// Rows of token ids, each up to its first padding.
  func texts(_ name: String) throws -> [[Int32]] {
    let tensor = try tensor(name)
    #expect(tensor.type == .int64)
    let ids = tensor.withBytes { bytes in
      (0..<tensor.count).map {
        Int32(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))
      }
    }
    return stride(from: 0, to: ids.count, by: tensor.shape[1]).map { start in
      Array(ids[start..<start + tensor.shape[1]].prefix { $0 != 0 })
    }
  }

  /// Element `index` of a batch of matrices `[n, rows, columns]`.
  func matrix(_ name: String, _ index: Int) throws -> Matrix {
    let shape = try shape(name)
    let (rows, columns) = (shape[1], shape.dropFirst(2).reduce(1, *))
    return Matrix(
      rows: rows, columns: columns,
      values: Array(try floats(name)[index * rows * columns..<(index + 1) * rows * columns]))
  }

  /// Element `index` of a batch `[n, channels, height, width]` with the channels last.
  func map(_ name: String, _ index: Int) throws -> FeatureMap {
    let shape = try shape(name)
    let channelsFirst = try matrix(name, index)
    var pixels = Matrix(rows: channelsFirst.columns, columns: channelsFirst.rows)
    for channel in 0..<channelsFirst.rows {
      for (pixel, value) in channelsFirst[row: channel].enumerated() {
        pixels.values[pixel * channelsFirst.rows + channel] = value
      }
    }
    return FeatureMap(height: shape[2], width: shape[3], pixels: pixels)
  }
}

/// ‖a − b‖ / ‖b‖
func relativeError(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
  guard a.count == b.count else { return .infinity }
  let difference = zip(a, b).reduce(0) {
    $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
  }
  let length = b.reduce(0) { $0 + Double($1) * Double($1) }
  return (difference / length).squareRoot()
}

/// 1 − cos(a, b)
func cosineDistance(_ a: [Float], _ b: [Float]) -> Double {
  guard a.count == b.count else { return .infinity }
  let product = { (x: [Float], y: [Float]) in
    zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
  return 1 - product(a, b) / (product(a, a) * product(b, b)).squareRoot()
}

/// Every number of `a` within `bound` of `b`'s, relative to the whole.
func expectClose(
  _ name: String, _ a: Matrix, _ b: Matrix, within bound: Double = 1e-4,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    a.rows == b.rows && a.columns == b.columns, "\(name): \(a.rows)×\(a.columns)",
    sourceLocation: sourceLocation)
  let error = relativeError(a.values, b.values)
  #expect(error <= bound, "\(name): relative error \(error)", sourceLocation: sourceLocation)
}

/// ITM logits within 1e-3 of the reference's `[no match, match]`.
func expectClose(
  _ name: String, _ logits: MatchLogits, _ reference: ArraySlice<Float>,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let error =
    zip([logits.noMatch, logits.match], reference).map { abs($0 - $1) }.max() ?? .infinity
  #expect(error <= 1e-3, "\(name): off by \(error)", sourceLocation: sourceLocation)
}
