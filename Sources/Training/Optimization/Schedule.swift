internal import Glibc

/// The learning rate of every step, as BLIP's `utils.py` sets it.
public struct Schedule: Sendable, Equatable {
  /// How the rate falls from epoch to epoch.
  public enum Decay: Sendable, Equatable {
    /// Times a factor an epoch.
    case factor(Double)
    /// Half a cosine over so many epochs.
    case cosine(epochs: Int)
  }

  /// The rate of the first epoch, and the one below which none falls.
  public var peak, minimum: Double
  /// How the rate falls.
  public var decay: Decay
  /// The rate of the very first step, from which it climbs linearly; of use with `warmUpSteps` only.
  public var start: Double
  /// How many steps the climb takes; 0: none.
  public var warmUpSteps: Int

  /// A schedule, without warm-up unless told.
  public init(
    peak: Double, minimum: Double = 0, decay: Decay, start: Double = 0, warmUpSteps: Int = 0
  ) {
    self.peak = peak
    self.minimum = minimum
    self.decay = decay
    self.start = start
    self.warmUpSteps = warmUpSteps
  }

  /// Pre-training: 1e-6 to 3e-4 in 3,000 steps, then × 0.9 an epoch down to 1e-6.
  public static let pretraining = Schedule(
    peak: 3e-4, minimum: 1e-6, decay: .factor(0.9), start: 1e-6, warmUpSteps: 3000)

  /// Fine-tuning: half a cosine from 1e-5.
  public static func fineTuning(epochs: Int) -> Schedule {
    Schedule(peak: 1e-5, decay: .cosine(epochs: epochs))
  }

  /// The rate of a step. Where the warm-up is longer than an epoch it goes on, up to the rate of its
  /// epoch; BLIP's ends with the first. The cosine has BLIP's rates where an epoch begins, and falls
  /// within it too: the few epochs of a run on a processor would else end far from 0.
  /// - Parameter step: Counted from the start of the run.
  public func rate(epoch: Int, step: Int, stepsInEpoch: Int) -> Double {
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

/// How much of ITC's targets the momentum model sets: α climbs linearly to 0.4.
public struct AlphaRamp: Sendable, Equatable {
  /// α at the end of the climb.
  public var peak: Double
  /// How many epochs the climb takes.
  public var epochs: Int

  /// A climb to `peak` within so many epochs.
  public init(peak: Double = 0.4, epochs: Int) {
    self.peak = peak
    self.epochs = epochs
  }

  /// α of a step, counted from the start of the run.
  public func alpha(step: Int, stepsPerEpoch: Int) -> Float {
    Float(peak * min(1, Double(step) / Double(epochs * stepsPerEpoch)))
  }
}
