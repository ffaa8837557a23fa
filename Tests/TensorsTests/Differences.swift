import Glibc

@testable import Tensors

/// The gradient of f at x by central differences, in double precision: what a backward pass is held
/// against.
func differences(at x: [Float], _ f: ([Double]) -> Double) -> [Double] {
  let step = 1e-4
  var x = x.map(Double.init)
  return x.indices.map { index in
    let center = x[index]
    x[index] = center + step
    let above = f(x)
    x[index] = center - step
    let below = f(x)
    x[index] = center
    return (above - below) / (2 * step)
  }
}

/// Σ aᵢ·bᵢ, of which b is the gradient by a: a loss whose gradient is given.
func loss(_ a: [Double], _ b: [Float]) -> Double {
  zip(a, b).reduce(0) { $0 + $1.0 * Double($1.1) }
}

/// Forward passes in double precision, as their definitions say.
extension Exact {
  static func gelu(_ x: Double) -> Double { x * 0.5 * erfc(-x / 2.0.squareRoot()) }

  static func softmax(_ row: [Double]) -> [Double] {
    let most = row.max() ?? 0
    let powers = row.map { exp($0 - most) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  static func layerNorm(
    _ x: [Double], weight: [Double], bias: [Double], epsilon: Double
  ) -> [Double] {
    let width = weight.count
    return stride(from: 0, to: x.count, by: width).flatMap { start in
      let row = x[start..<start + width]
      let mean = row.reduce(0, +) / Double(width)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      return zip(row, zip(weight, bias)).map {
        ($0 - mean) / (variance + epsilon).squareRoot() * $1.0 + $1.1
      }
    }
  }

  /// x `[n, inputs]` · weightᵀ + bias
  static func linear(_ x: [Double], weight: [Double], bias: [Double], inputs: Int) -> [Double] {
    stride(from: 0, to: x.count, by: inputs).flatMap { start in
      bias.indices.map { output in
        (0..<inputs).reduce(bias[output]) { $0 + x[start + $1] * weight[output * inputs + $1] }
      }
    }
  }

  static func normalizedRows(_ x: [Double], columns: Int) -> [Double] {
    stride(from: 0, to: x.count, by: columns).flatMap { start in
      let row = x[start..<start + columns]
      let length = max(row.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
      return row.map { $0 / length }
    }
  }

  /// Attention of rows of `shape.width` columns. Probabilities are multiplied by
  /// `factors[query · heads + head, key of the segment]`.
  static func attention(
    _ q: [Double], _ k: [Double], _ v: [Double], _ shape: HeadShape,
    _ segments: [AttentionSegment], causal: Bool, factors: Matrix?
  ) -> [Double] {
    let (width, size) = (shape.width, shape.size)
    var context = [Double](repeating: 0, count: q.count)
    for segment in segments {
      for (index, query) in segment.queries.enumerated() {
        let seen =
          causal ? segment.keys.count - segment.queries.count + index + 1 : segment.keys.count
        let keys = segment.keys.prefix(seen)
        for head in 0..<shape.count {
          let columns = head * size..<(head + 1) * size
          let scores = keys.map { key in
            columns.reduce(0) { $0 + q[query * width + $1] * k[key * width + $1] }
              / Double(size).squareRoot()
          }
          for (place, (p, key)) in zip(softmax(scores), keys).enumerated() {
            let factor = factors.map {
              Double($0[row: query * shape.count + head].dropFirst(place).first ?? 0)
            }
            for column in columns {
              context[query * width + column] += p * (factor ?? 1) * v[key * width + column]
            }
          }
        }
      }
    }
    return context
  }

  /// The mean cross entropy of rows of logits and rows of targets.
  static func crossEntropy(_ logits: [Double], _ targets: [Double], columns: Int) -> Double {
    let rows = logits.count / columns
    return stride(from: 0, to: logits.count, by: columns).reduce(0) { sum, start in
      let probabilities = softmax(Array(logits[start..<start + columns]))
      return sum
        - zip(targets[start..<start + columns], probabilities).reduce(0) { $0 + $1.0 * log($1.1) }
    } / Double(rows)
  }

  /// Rows of 1 − smoothing on a class and smoothing / classes on all.
  static func smoothed(_ targets: [Int32], classes: Int, _ smoothing: Double) -> [Double] {
    targets.flatMap { target in
      (0..<classes).map { smoothing / Double(classes) + ($0 == Int(target) ? 1 - smoothing : 0) }
    }
  }
}
