internal import CKernels
internal import Glibc

/// One step of AdamW (Loshchilov and Hutter, arXiv 1711.05101), with PyTorch's order of operations.
public struct AdamWStep: Sendable, Equatable {
  /// The learning rate, also a factor of the weight decay.
  public var learningRate: Float
  /// λ
  public var weightDecay: Float
  /// β₁ and β₂
  public var beta1, beta2: Float
  /// ε, added to the root of the corrected second moment.
  public var epsilon: Float
  /// By which gradients are multiplied first: clipping.
  public var gradientScale: Float
  /// Which step it is, from 1 on.
  public var number: Int

  /// The step of the given number.
  public init(
    number: Int, learningRate: Float, weightDecay: Float, beta1: Float = 0.9,
    beta2: Float = 0.999, epsilon: Float = 1e-8, gradientScale: Float = 1
  ) {
    precondition(number > 0, "steps count from 1")
    self.number = number
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.gradientScale = gradientScale
  }

  fileprivate var kernel: kernel_adamw {
    let corrections = [beta1, beta2].map { 1 - pow(Double($0), Double(number)) }
    return kernel_adamw(
      beta1: beta1, beta2: beta2, gradient_scale: gradientScale,
      decay: 1 - learningRate * weightDecay, rate: Float(Double(learningRate) / corrections[0]),
      correction: Float(1 / corrections[1]), epsilon: epsilon)
  }
}

/// Moves the parameters p, and their first and second moments, by one step: one pass over all four.
public func adamW(
  _ p: inout [Float], gradient: [Float], first: inout [Float], second: inout [Float],
  _ step: AdamWStep
) {
  let count = p.count
  let kernel = step.kernel
  gradient.withPointer(count: count) { gradient in
    p.withMutablePointer(count: count) { p in
      first.withMutablePointer(count: count) { first in
        second.withMutablePointer(count: count) { second in
          inParallel(rows: count, multipleOf: 64, operations: 16 * count) { part in
            let at = part.lowerBound
            kernel_adamw(p + at, gradient + at, first + at, second + at, part.count, kernel)
          }
        }
      }
    }
  }
}

/// p = keeping · p + (1 − keeping) · q: the exponential moving average of a momentum model.
public func average(_ p: inout [Float], towards q: [Float], keeping: Float) {
  let count = p.count
  q.withPointer(count: count) { q in
    p.withMutablePointer(count: count) { p in
      inParallel(rows: count, multipleOf: 64, operations: 8 * count) { part in
        kernel_average(p + part.lowerBound, q + part.lowerBound, part.count, keeping)
      }
    }
  }
}

/// Σ xᵢ², summed up in double precision over pieces of 4,096: the norm by which gradients are clipped.
public func sumOfSquares(_ x: [Float]) -> Double {
  let piece = 4096
  var sums = [Double](repeating: 0, count: (x.count + piece - 1) / piece)
  x.withPointer(count: x.count) { x_ in
    sums.withUnsafeMutableBufferPointer { sums in
      nonisolated(unsafe) let sums = sums
      inParallel(rows: sums.count, operations: 8 * x.count) {
        for index in $0 {
          let start = index * piece
          sums[index] = Double(
            kernel_dot(x_ + start, x_ + start, min(piece, x.count - start)))
        }
      }
    }
  }
  return sums.reduce(0, +)
}
