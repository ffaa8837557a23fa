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
  ///   - activation: What the sum passes at the end.
  public func callAsFunction(
    _ x: Matrix, plus addend: Matrix? = nil, then activation: Activation = .identity,
    into y: inout Matrix
  ) {
    precondition(x.columns == inputs, "\(x.columns) columns into a layer of \(inputs) inputs")
    y.reshape(rows: x.rows, columns: outputs)
    y.withMutablePointer { y in
      if let addend {
        precondition(addend.rows == x.rows && addend.columns == outputs)
        addend.withPointer { multiply(x, plus: $0, then: activation, into: y) }
      } else {
        multiply(x, plus: nil, then: activation, into: y)
      }
    }
  }

  /// Few rows are divided among threads by outputs, so that each reads a part of the weights only.
  private func multiply(
    _ x: Matrix, plus addend: UnsafePointer<Float>?, then activation: Activation,
    into y: UnsafeMutablePointer<Float>
  ) {
    let byOutputs = x.rows < 96
    x.withPointer { x_ in
      weight.withPanels { panels in
        bias.withPointer(count: outputs) { bias in
          inParallel(
            rows: byOutputs ? outputs : x.rows, multipleOf: byOutputs ? 16 : 12,
            operations: x.rows * inputs * outputs
          ) { part in
            let rows = byOutputs ? 0..<x.rows : part
            let columns = byOutputs ? part : 0..<outputs
            let product = kernel_product(
              x: x_ + rows.lowerBound * inputs, x_stride: inputs, m: rows.count, k: inputs,
              n: outputs, first_column: columns.lowerBound, end_column: columns.upperBound,
              y: y + rows.lowerBound * outputs, y_stride: outputs)
            let epilogue = kernel_epilogue(
              bias: bias, addend: addend.map { $0 + rows.lowerBound * outputs },
              activation: activation.kernel)
            withScratch(kernel_multiply_scratch(panels.format, inputs)) {
              kernel_multiply(product, panels, epilogue, $0)
            }
          }
        }
      }
    }
  }
}
