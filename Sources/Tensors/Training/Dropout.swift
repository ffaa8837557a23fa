internal import CKernels

/// Sets numbers to zero with a probability p, and multiplies the others by 1 / (1 − p). Which ones is
/// a function of the key and of where a number lies: with the same key the same ones are dropped
/// again, so that nothing is kept for the way back.
public struct Dropout: Sendable, Equatable {
  /// p, in 0..<1.
  public let probability: Float
  /// What the choice depends on.
  public let key: UInt64

  /// A dropout that has a key of its own for every operation and step.
  public init(probability: Float, key: UInt64) {
    precondition(probability >= 0 && probability < 1)
    self.probability = probability
    self.key = key
  }
}

extension Dropout? {
  var kernel: kernel_dropout {
    guard let self, self.probability > 0 else {
      return kernel_dropout(key: 0, threshold: 0, scale: 1)
    }
    return kernel_dropout(
      key: self.key, threshold: UInt32(self.probability * Float(1 << 24)),
      scale: 1 / (1 - self.probability))
  }
}

/// Drops numbers of x; of a gradient, the same.
public func drop(_ x: inout Matrix, _ dropout: Dropout?) {
  guard let dropout, dropout.probability > 0 else { return }
  let kernel = Optional(dropout).kernel
  x.withMutablePointer { [rows = x.rows, columns = x.columns] x in
    inParallel(rows: rows, operations: 16 * rows * columns) {
      kernel_drop(x + $0.lowerBound * columns, $0.lowerBound, $0.count, columns, kernel)
    }
  }
}
