internal import CKernels

/// Sets numbers to zero with a probability p, and multiplies the others by 1 / (1 − p). Which ones is
/// a function of the key and of a number's position: with the same key the same ones are dropped
/// again, so that nothing has to be saved for the backward pass.
public struct Dropout: Sendable, Equatable {
  /// p, in 0..<1.
  public let probability: Float
  /// Determines which numbers are dropped.
  public let key: UInt64

  /// Every operation and step should have its own key.
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

/// Drops numbers of x; the same ones of its gradient.
public func drop(_ x: inout Matrix, _ dropout: Dropout?) {
  guard let dropout, dropout.probability > 0 else { return }
  let kernel = Optional(dropout).kernel
  x.withMutablePointer { [rows = x.rows, columns = x.columns] x in
    inParallel(rows: rows, operations: 16 * rows * columns) {
      kernel_drop(x + $0.lowerBound * columns, $0.lowerBound, $0.count, columns, kernel)
    }
  }
}
