internal import Glibc

/// The learning rate of every step, as in BLIP's `utils.py`.
struct Schedule: Sendable, Equatable {
  /// How the rate decays.
  enum Decay: Sendable, Equatable {
    /// By a factor every epoch.
    case factor(Double)
    /// By half a cosine over a number of epochs.
    case cosine(epochs: Int)
  }

  /// The rate of the first epoch, and the lowest one.
  var peak, minimum: Double
  /// How the rate decays.
  var decay: Decay
  /// The rate of the first warm-up step, from which it rises linearly.
  var start: Double
  /// Number of warm-up steps.
  var warmUpSteps: Int

  /// A schedule, by default without warm-up.
  init(
    peak: Double, minimum: Double = 0, decay: Decay, start: Double = 0, warmUpSteps: Int = 0
  ) {
    self.peak = peak
    self.minimum = minimum
    self.decay = decay
    self.start = start
    self.warmUpSteps = warmUpSteps
  }

  /// The rate of a step. A warm-up longer than an epoch continues, up to the rate of its epoch; BLIP's
  /// ends with the first. The cosine has BLIP's rates at the start of an epoch, and decays within it
  /// too: otherwise the few epochs of a run on a CPU would end far from 0.
  /// - Parameter step: Counted from the start of the run.
  func rate(epoch: Int, step: Int, stepsInEpoch: Int) -> Double {
    let rate =
      switch decay {
      case .factor(let factor): max(minimum, peak * pow(factor, Double(epoch)))
      case .cosine(let epochs):
        minimum + (peak - minimum) * 0.5
          * (1 + cos(.pi * min(1, Double(step) / Double(epochs * stepsInEpoch))))
      }
    guard step < warmUpSteps else { return rate }
    return min(rate, start + (peak - start) * Double(step) / Double(warmUpSteps))
  }
}

/// α, the weight of the momentum model in ITC's targets: it rises linearly to 0.4.
struct AlphaRamp: Sendable, Equatable {
  /// α at the end of the ramp.
  var peak: Double
  /// Number of epochs of the ramp.
  var epochs: Int

  /// A ramp to `peak`.
  init(peak: Double = 0.4, epochs: Int) {
    self.peak = peak
    self.epochs = epochs
  }

  /// α of a step, counted from the start of the run.
  func alpha(step: Int, stepsPerEpoch: Int) -> Float {
    Float(peak * min(1, Double(step) / Double(epochs * stepsPerEpoch)))
  }
}
