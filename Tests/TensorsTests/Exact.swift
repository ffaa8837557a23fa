import Glibc
import TestSupport

@testable import Tensors

extension SplitMix64 {
  /// A matrix of numbers in -scale..<scale.
  mutating func matrix(_ rows: Int, _ columns: Int, scale: Float = 1) -> Matrix {
    Matrix(rows: rows, columns: columns, values: floats(rows * columns, scale: scale))
  }
}

/// The operations in double precision, as their definitions say: what the kernels are held against.
enum Exact {
  static func gelu(_ x: Float) -> Double {
    Double(x) * 0.5 * erfc(-Double(x) / 2.0.squareRoot())
  }

  static func softmax(_ row: some Collection<Float>, scale: Float) -> [Double] {
    let most = Double(row.max() ?? 0)
    let powers = row.map { exp((Double($0) - most) * Double(scale)) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  static func layerNorm(_ row: some Collection<Float>, _ norm: LayerNorm) -> [Double] {
    let x = row.map(Double.init)
    let mean = x.reduce(0, +) / Double(x.count)
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
    let length = (variance + Double(norm.epsilon)).squareRoot()
    return x.indices.map {
      (x[$0] - mean) / length * Double(norm.weight[$0]) + Double(norm.bias[$0])
    }
  }

  /// x·wᵀ + bias
  static func linear(_ x: Matrix, _ weight: [Float], _ bias: [Float]) -> [Double] {
    (0..<x.rows).flatMap { row in
      bias.indices.map { output in
        zip(x[row: row], weight[output * x.columns..<(output + 1) * x.columns])
          .reduce(Double(bias[output])) { $0 + Double($1.0) * Double($1.1) }
      }
    }
  }

  /// weight: `[outputs, inputs, kernel, kernel]`, or `[outputs, 1, kernel, kernel]` for a depthwise
  /// convolution.
  static func convolution(
    _ x: FeatureMap, _ shape: ConvolutionShape, depthwise: Bool, _ weight: [Float], _ bias: [Float]
  ) -> [Double] {
    let taps = shape.kernel * shape.kernel
    var y: [Double] = []
    for row in 0..<shape.height(for: x.height) {
      for column in 0..<shape.width(for: x.width) {
        for output in 0..<shape.outputs {
          var sum = Double(bias[output])
          for tap in 0..<taps {
            let from = (
              row: row * shape.stride - shape.top + tap / shape.kernel,
              column: column * shape.stride - shape.left + tap % shape.kernel
            )
            guard 0..<x.height ~= from.row, 0..<x.width ~= from.column else { continue }
            let pixel = Array(x.pixels[row: from.row * x.width + from.column])
            if depthwise {
              sum += Double(pixel[output]) * Double(weight[output * taps + tap])
            } else {
              for input in 0..<shape.inputs {
                sum +=
                  Double(pixel[input])
                  * Double(weight[(output * shape.inputs + input) * taps + tap])
              }
            }
          }
          y.append(sum)
        }
      }
    }
    return y
  }
}

/// The largest |a − b|, over the largest |b|.
func largestError(_ a: [Float], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  let error = zip(a, b).map { abs(Double($0) - $1) }.max() ?? 0
  return error / max(b.map(abs).max() ?? 1, .leastNormalMagnitude)
}

/// The largest |a − b| / |b|.
func largestRelativeError(_ a: [Float], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).map { abs(Double($0) - $1) / abs($1) }.max() ?? 0
}
