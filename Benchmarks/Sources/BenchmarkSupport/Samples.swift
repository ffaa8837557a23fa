/// The timings of one measurement and their statistics.
public struct Samples: Sendable {
  private let sorted: [Double]

  /// At least one sample, in any order.
  public init(_ values: [Double]) {
    precondition(!values.isEmpty, "a benchmark without samples")
    sorted = values.sorted()
  }

  /// The median (the mean of the middle two if their number is even).
  public var median: Double {
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// The smallest sample that at least the given fraction of samples do not exceed:
  /// `percentile(0.99)`.
  public func percentile(_ fraction: Double) -> Double {
    sorted[max(0, Int((fraction * Double(sorted.count)).rounded(.up)) - 1)]
  }

  /// The smallest and the largest sample.
  public var spread: ClosedRange<Double> { sorted[0]...sorted[sorted.count - 1] }

  /// The number of samples.
  public var count: Int { sorted.count }
}

/// The wall-clock time that `body` takes, in seconds.
public func seconds(_ body: () throws -> Void) rethrows -> Double {
  let duration = try ContinuousClock().measure(body)
  return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}
