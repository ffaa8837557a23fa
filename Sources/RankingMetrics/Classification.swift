/// Pairs by their predicted probability, in bins of equal width: a reliability diagram.
public struct ReliabilityDiagram: Sendable {
  /// One bin.
  public struct Bin: Sendable, Equatable {
    /// Pairs that are a match.
    public var matches = 0
    /// Pairs that are not.
    public var others = 0
    /// The sum of their probabilities.
    public var sum = 0.0

    /// Number of pairs.
    public var count: Int { matches + others }
  }

  /// The bins, in ascending order of probability.
  public private(set) var bins: [Bin]

  /// The diagram of pairs with their predicted probabilities.
  public init(
    bins count: Int, _ pairs: some Sequence<(probability: Float, isMatch: Bool)>
  ) {
    bins = [Bin](repeating: Bin(), count: count)
    for pair in pairs {
      let bin = min(Int(pair.probability * Float(count)), count - 1)
      bins[bin].sum += Double(pair.probability)
      if pair.isMatch { bins[bin].matches += 1 } else { bins[bin].others += 1 }
    }
  }

  /// The expected calibration error (Guo et al. 2017): Σ |bin| / n · |share of matches − mean
  /// probability|.
  public var expectedCalibrationError: Double {
    let count = bins.reduce(0) { $0 + $1.count }
    return bins.reduce(0) { $0 + abs(Double($1.matches) - $1.sum) } / Double(max(count, 1))
  }
}

/// The area under the ROC curve: the probability that a positive's score is greater than a negative's,
/// ties counting half.
public func areaUnderROC(positives: [Double], negatives: [Double]) -> Double {
  let sorted = negatives.sorted()
  func below(_ value: Double, orEqual: Bool) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < value || (orEqual && sorted[middle] == value) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
  let wins = positives.reduce(0.0) {
    $0 + Double(below($1, orEqual: false) + below($1, orEqual: true)) / 2
  }
  return wins / Double(max(positives.count * negatives.count, 1))
}
