internal import CKernels

/// What the sums of a layer pass before they are stored.
public enum Activation: Sendable {
  /// Nothing.
  case identity
  /// min(max(x, 0), 6)
  case relu6
  /// x·Φ(x), as `gelu` computes it.
  case gelu

  var kernel: kernel_activation {
    switch self {
    case .identity: kernel_identity
    case .relu6: kernel_relu6
    case .gelu: kernel_gelu_activation
    }
  }
}

/// Writes x·Φ(x), the exact (erf) GELU, of every number of x into y, which takes x's shape.
/// Against exact arithmetic the relative error stays below 2e-6 for x > −5, below 1e-5 for x > −10.
public func gelu(_ x: Matrix, into y: inout Matrix) {
  y.reshape(rows: x.rows, columns: x.columns)
  x.withPointer { from in
    y.withMutablePointer { to in
      kernel_gelu(from, to, x.rows * x.columns)
    }
  }
}

/// Turns every row of x into softmax(scale · row). Against exact arithmetic the relative error stays
/// below 1e-6 where the scaled scores of a row lie within 10 of each other, below 3e-6 within 40.
public func softmax(_ x: inout Matrix, scale: Float = 1) {
  guard x.columns > 0 else { return }
  x.withMutablePointer { [rows = x.rows, columns = x.columns] in
    kernel_softmax($0, rows, columns, scale)
  }
}

/// Uses the portable kernels from now on, or again what the processor allows: for tests.
package func usePortableKernels(_ portable: Bool) {
  kernels_use_portable(portable)
}

/// y += x, number by number.
public func add(_ x: [Float], to y: inout Matrix) {
  let count = y.rows * y.columns
  x.withPointer(count: count) { x in
    y.withMutablePointer { y in
      for index in 0..<count { y[index] += x[index] }
    }
  }
}
