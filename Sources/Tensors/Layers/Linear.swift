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
    let multiply = weight.isPlain ? multiplyPlain : multiplyPacked
    y.withMutablePointer { y in
      if let addend {
        precondition(addend.rows == x.rows && addend.columns == outputs)
        addend.withPointer { multiply(x, $0, activation, y) }
      } else {
        multiply(x, nil, activation, y)
      }
    }
  }

  /// Few rows are divided among threads by outputs, so that each reads a part of the weights only.
  private func multiplyPacked(
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

  private func multiplyPlain(
    _ x: Matrix, plus addend: UnsafePointer<Float>?, then activation: Activation,
    into y: UnsafeMutablePointer<Float>
  ) {
    x.withPointer { x_ in
      weight.withPlain { w in
        bias.withPointer(count: outputs) {
          PlainProduct(rows: x.rows, inputs: inputs, outputs: outputs)(
            x_, w, bias: $0, plus: addend, then: activation, into: y)
        }
      }
    }
  }
}

/// y [rows, outputs] = activation(x [rows, inputs] · wᵀ + bias + addend), divided among threads along
/// the longer side of y, which begins as what is added.
struct PlainProduct {
  let rows, inputs, outputs: Int

  func callAsFunction(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    plus addend: UnsafePointer<Float>? = nil, then activation: Activation = .identity,
    into y: UnsafeMutablePointer<Float>
  ) {
    let byOutputs = rows < outputs
    inParallel(
      rows: byOutputs ? outputs : rows, multipleOf: 16, operations: rows * inputs * outputs
    ) { part in
      let some = byOutputs ? 0..<rows : part
      let columns = byOutputs ? part : 0..<outputs
      let from = some.lowerBound * outputs + columns.lowerBound
      let block = kernel_block(rows: some.count, columns: columns.count, stride: outputs)
      kernel_begin(block, bias + columns.lowerBound, addend.map { $0 + from }, y + from)
      let product = MatrixProduct(
        rows: some.count, columns: columns.count, depth: inputs, transposesB: true,
        accumulates: true)
      product(
        Block(x + some.lowerBound * inputs, inputs),
        Block(w + columns.lowerBound * inputs, inputs), into: Block(y + from, outputs))
      kernel_activate(block, activation.kernel, y + from)
    }
  }
}

// MARK: - Backward

extension Linear {
  /// Adds the gradients of the parameters to `gradient`, and writes that of x.
  /// - Parameters:
  ///   - dy: The gradient of the output before its activation: `[n, outputs]`.
  ///   - x: What the layer was given: `[n, inputs]`.
  ///   - gradient: Plain; or not loaded, where only the gradient of x is wanted.
  ///   - dx: Becomes dy·W, `[n, inputs]`, or has this shape where that is added.
  public func backward(
    _ dy: Matrix, of x: Matrix, into gradient: inout Linear, dx: inout Matrix,
    accumulating: Bool = false
  ) {
    precondition(dy.columns == outputs)
    if accumulating {
      precondition(dx.rows == dy.rows && dx.columns == inputs)
    } else {
      dx.reshape(rows: dy.rows, columns: inputs)
    }
    dy.withPointer { dy_ in
      weight.withFloats { w in
        dx.withMutablePointer {
          MatrixProduct(
            rows: dy.rows, columns: inputs, depth: outputs, accumulates: accumulating
          ).inParallel(Block(dy_, outputs), Block(w, inputs), into: Block($0, inputs))
        }
      }
    }
    backward(dy, of: x, into: &gradient)
  }

  /// The same without the gradient of x.
  public func backward(_ dy: Matrix, of x: Matrix, into gradient: inout Linear) {
    precondition(dy.rows == x.rows && dy.columns == outputs && x.columns == inputs)
    precondition(gradient.inputs == inputs && gradient.outputs == outputs)
    guard gradient.weight.isLoaded else { return }
    dy.withPointer { dy_ in
      x.withPointer { x_ in
        gradient.weight.withMutablePlain {
          MatrixProduct(
            rows: outputs, columns: inputs, depth: dy.rows, transposesA: true, accumulates: true
          ).inParallel(Block(dy_, outputs), Block(x_, inputs), into: Block($0, inputs))
        }
      }
    }
    sumColumns(dy, into: &gradient.bias)
  }
}

/// sums += the sums of the columns of x.
func sumColumns(_ x: Matrix, into sums: inout [Float]) {
  x.withPointer { x_ in
    sums.withMutablePointer(count: x.columns) { sums in
      inParallel(rows: x.columns, multipleOf: 32, operations: 2 * x.rows * x.columns) {
        kernel_sum_columns(
          x_ + $0.lowerBound, x.columns, x.rows, $0.count, sums + $0.lowerBound)
      }
    }
  }
}
