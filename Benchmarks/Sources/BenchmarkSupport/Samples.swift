/// Timings of one piece of work: what a table shows of them.
public struct Samples: Sendable {
  private let sorted: [Double]

  /// Samples in any order; at least one.
  public init(_ values: [Double]) {
    precondition(!values.isEmpty, "a benchmark without samples")
    sorted = values.sorted()
  }

  /// The middle one (mean of the middle two).
  public var median: Double {
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// The smallest one that so large a share of all are not above: `percentile(0.99)`.
  public func percentile(_ share: Double) -> Double {
    sorted[max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1)]
  }

  /// The smallest and the largest.
  public var spread: ClosedRange<Double> { sorted[0]...sorted[sorted.count - 1] }

  /// How many.
  public var count: Int { sorted.count }
}

/// Seconds that `body` takes on the wall's clock.
public func seconds(_ body: () throws -> Void) rethrows -> Double {
  let duration = try ContinuousClock().measure(body)
  return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}
