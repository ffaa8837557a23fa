internal import CKernels

/// y = (x − mean) / √(variance + ε) · weight + bias, row by row.
public struct LayerNorm: Sendable {
  /// The width of a row.
  public let width: Int
  /// ε
  public let epsilon: Float
  /// `[width]`; empty until loaded.
  public var weight: [Float] = []
  /// `[width]`; empty until loaded.
  public var bias: [Float] = []

  /// A norm of the given width whose parameters are still to be loaded.
  public init(width: Int, epsilon: Float) {
    self.width = width
    self.epsilon = epsilon
  }

  /// Visits `path.weight` and `path.bias`.
  public mutating func forEachParameter(
    _ path: String, _ visitor: inout some ParameterVisitor
  ) throws {
    try visitor.visit("\(path).weight", [width], &weight)
    try visitor.visit("\(path).bias", [width], &bias)
  }

  /// Writes the norm of x `[n, width]` into y, which becomes `[n, width]`. Against exact arithmetic
  /// the error stays below 1e-6 of the largest element of a row whose mean is at most 10 standard
  /// deviations from 0; it grows with that ratio.
  public func callAsFunction(_ x: Matrix, into y: inout Matrix) {
    precondition(x.columns == width, "\(x.columns) columns into a norm of \(width)")
    y.reshape(rows: x.rows, columns: width)
    weight.withPointer(count: width) { weight in
      bias.withPointer(count: width) { bias in
        x.withPointer { from in
          y.withMutablePointer { to in
            inParallel(rows: x.rows, operations: 8 * x.rows * width) { rows in
              let first = rows.lowerBound * width
              kernel_layer_norm(from + first, weight, bias, epsilon, to + first, rows.count, width)
            }
          }
        }
      }
    }
  }

  /// Adds the gradients of the parameters to `gradient`, and writes that of x.
  /// - Parameters:
  ///   - dy: `[n, width]`
  ///   - x: The input: `[n, width]`.
  ///   - gradient: Not loaded where only the gradient of x is wanted.
  ///   - dx: Becomes `[n, width]`, or has this shape where the gradient is added.
  public func backward(
    _ dy: Matrix, of x: Matrix, into gradient: inout LayerNorm, dx: inout Matrix,
    accumulating: Bool = false
  ) {
    precondition(dy.rows == x.rows && dy.columns == width && x.columns == width)
    if accumulating {
      precondition(dx.rows == x.rows && dx.columns == width)
    } else {
      dx.reshape(rows: x.rows, columns: width)
    }
    // Each part has its own sums of the parameters' gradients, which are then added in order.
    let parts = worthwhileParts(of: x.rows, operations: 32 * x.rows * width)
    var sums = Matrix(rows: parts, columns: 2 * width)
    dy.withPointer { dy in
      x.withPointer { x_ in
        weight.withPointer(count: width) { weight in
          dx.withMutablePointer { dx in
            sums.withMutablePointer { sums in
              inParallel(parts: parts) { part in
                let first = x.rows * part / parts
                let start = first * width
                kernel_layer_norm_backward(
                  dy + start, x_ + start, weight, epsilon, accumulating, dx + start,
                  sums + 2 * part * width, sums + (2 * part + 1) * width,
                  x.rows * (part + 1) / parts - first, width)
              }
            }
          }
        }
      }
    }
    guard !gradient.weight.isEmpty else { return }
    for part in 0..<parts {
      for column in 0..<width {
        gradient.weight[column] += sums.values[2 * part * width + column]
        gradient.bias[column] += sums.values[(2 * part + 1) * width + column]
      }
    }
  }
}
