internal import CKernels

/// y = x·Wᵀ + b, row by row.
public struct Linear: Sendable {
  /// W, `[outputs, inputs]`.
  public var weight: PackedMatrix
  /// b, `[outputs]`; empty until loaded.
  public var bias: [Float] = []

  /// The width of a row of x.
  public var inputs: Int { weight.columns }
  /// The width of a row of y.
  public var outputs: Int { weight.rows }

  /// A layer of the given widths whose parameters are still to be loaded.
  public init(inputs: Int, outputs: Int) {
    weight = PackedMatrix(rows: outputs, columns: inputs)
  }

  /// Shows `path.weight` and `path.bias`. `shape` is the weight's in the checkpoint where that is
  /// not `[outputs, inputs]` (a convolution of single pixels).
  public mutating func forEachParameter(
    _ path: String, shape: [Int]? = nil, _ visitor: inout some ParameterVisitor
  ) throws {
    try visitor.visit("\(path).weight", shape ?? [outputs, inputs], &weight)
    try visitor.visit("\(path).bias", [outputs], &bias)
  }

  /// Writes the layer's output for x `[n, inputs]` into y, which becomes `[n, outputs]`.
  /// - Parameters:
  ///   - addend: `[n, outputs]`, added where given: a residual connection.
  ///   - clamps: Whether the sum passes a ReLU6.
  public func callAsFunction(
    _ x: Matrix, plus addend: Matrix? = nil, clamps: Bool = false, into y: inout Matrix
  ) {
    precondition(x.columns == inputs, "\(x.columns) columns into a layer of \(inputs) inputs")
    y.reshape(rows: x.rows, columns: outputs)
    let multiply = { (addend: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>) in
      x.withPointer { from in
        weight.withPanels { panels in
          bias.withPointer(count: outputs) { bias in
            inParallel(
              rows: x.rows, multipleOf: 12, operations: x.rows * inputs * outputs
            ) { rows in
              kernel_multiply_packed(
                from + rows.lowerBound * inputs, rows.count, inputs, panels, outputs,
                kernel_epilogue(
                  bias: bias, addend: addend.map { $0 + rows.lowerBound * outputs },
                  relu6: clamps), y + rows.lowerBound * outputs)
            }
          }
        }
      }
    }
    y.withMutablePointer { y in
      if let addend {
        precondition(addend.rows == x.rows && addend.columns == outputs)
        addend.withPointer { multiply($0, y) }
      } else {
        multiply(nil, y)
      }
    }
  }
}
