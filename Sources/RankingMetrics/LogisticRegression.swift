internal import Glibc

/// What is known of a pair, and whether it is a match.
public struct LabelledFeatures: Sendable {
  /// Scores: the greater each of them, the likelier a match.
  public let features: [Double]
  /// Whether it is a match.
  public let isMatch: Bool

  /// A pair's features and label.
  public init(_ features: [Double], isMatch: Bool) {
    (self.features, self.isMatch) = (features, isMatch)
  }
}

/// Logistic regression of "is a match" on scores, which makes a calibrated probability of them (Platt 1999).
/// The log-odds fall with no score.
public struct LogisticRegression: Sendable, Equatable {
  /// What each score is multiplied by, 0 or more.
  public let weights: [Double]
  /// What is then added.
  public let bias: Double

  /// A given regression.
  public init(weights: [Double], bias: Double) { (self.weights, self.bias) = (weights, bias) }

  private static let steps = 50
  /// The penalty of a squared weight of a standardized score: labels without an error have no best weight.
  private static let ridge = 1e-6

  /// The regression that minimises the negative log-likelihood among those with no negative weight: a score
  /// that would have one is left out. Nil if no score makes a match likelier, or all labels are the same.
  public init?(fitting samples: [LabelledFeatures]) {
    let count = samples.first?.features.count ?? 0
    precondition(samples.allSatisfy { $0.features.count == count }, "features of different pairs")
    guard samples.contains(where: \.isMatch), samples.contains(where: { !$0.isMatch }) else {
      return nil
    }
    let scales = (0..<count).map { feature in Scale(of: samples.map { $0.features[feature] }) }
    var used = scales.indices.filter { scales[$0].isVarying }
    while !used.isEmpty {
      let rows = samples.map { sample in
        used.map { (sample.features[$0] - scales[$0].mean) / scales[$0].deviation } + [1]
      }
      let fitted = Self.fit(rows, samples.map(\.isMatch))
      if let least = used.indices.min(by: { fitted[$0] < fitted[$1] }), fitted[least] <= 0 {
        used.remove(at: least)
        continue
      }
      var weights = [Double](repeating: 0, count: count)
      var bias = fitted[used.count]
      for (index, feature) in used.enumerated() {
        weights[feature] = fitted[index] / scales[feature].deviation
        bias -= weights[feature] * scales[feature].mean
      }
      self.init(weights: weights, bias: bias)
      return
    }
    return nil
  }

  /// The log-odds of a match.
  public func logOdds(of features: [Double]) -> Double {
    zip(weights, features).reduce(bias) { $0 + $1.0 * $1.1 }
  }

  /// The probability of a match.
  public func probability(of features: [Double]) -> Double { 1 / (1 + exp(-logOdds(of: features))) }

  /// The mean negative log-likelihood of samples.
  public func loss(of samples: [LabelledFeatures]) -> Double {
    let sum = samples.reduce(0.0) {
      $0 + logLoss(logOdds: logOdds(of: $1.features), isMatch: $1.isMatch)
    }
    return sum / Double(max(samples.count, 1))
  }

  private struct Scale {
    let mean, deviation: Double

    /// Whether the values differ by more than their sum is rounded.
    var isVarying: Bool { deviation > 1e-9 * max(abs(mean), 1e-9) }

    init(of values: [Double]) {
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      (self.mean, deviation) = (mean, variance.squareRoot())
    }
  }

  /// Newton's method on the convex loss, its steps halved until they help.
  private static func fit(_ rows: [[Double]], _ labels: [Bool]) -> [Double] {
    var parameters = [Double](repeating: 0, count: rows[0].count)
    var best = objective(parameters, rows, labels)
    for _ in 0..<steps {
      guard let step = newtonStep(parameters, rows, labels) else { break }
      var share = 1.0
      var next = parameters
      var loss = Double.infinity
      while share > 1e-6 {
        next = zip(parameters, step).map { $0 - share * $1 }
        loss = objective(next, rows, labels)
        if loss <= best { break }
        share /= 2
      }
      guard loss <= best else { break }
      let isDone = best - loss < 1e-12 * Double(rows.count)
      (parameters, best) = (next, loss)
      if isDone { break }
    }
    return parameters
  }

  private static func objective(
    _ parameters: [Double], _ rows: [[Double]], _ labels: [Bool]
  ) -> Double {
    let penalty = parameters.dropLast().reduce(0) { $0 + $1 * $1 } * ridge * Double(rows.count) / 2
    return zip(rows, labels).reduce(penalty) {
      $0 + logLoss(logOdds: dot(parameters, $1.0), isMatch: $1.1)
    }
  }

  /// Hessian⁻¹ · gradient; nil where the Hessian is singular.
  private static func newtonStep(
    _ parameters: [Double], _ rows: [[Double]], _ labels: [Bool]
  ) -> [Double]? {
    let size = parameters.count
    let penalty = ridge * Double(rows.count)
    var gradient = parameters.map { $0 * penalty }
    gradient[size - 1] = 0
    var hessian = (0..<size).map { i in (0..<size).map { i == $0 && i < size - 1 ? penalty : 0 } }
    for (row, isMatch) in zip(rows, labels) {
      let p = 1 / (1 + exp(-dot(parameters, row)))
      let (error, curve) = (p - (isMatch ? 1 : 0), p * (1 - p))
      for i in 0..<size {
        gradient[i] += error * row[i]
        for j in 0...i { hessian[i][j] += curve * row[i] * row[j] }
      }
    }
    return solve(hessian, gradient)
  }

  /// The solution of a symmetric system given by its lower triangle, by Cholesky's decomposition; nil
  /// unless it is positive definite.
  private static func solve(_ lower: [[Double]], _ right: [Double]) -> [Double]? {
    var factor = lower
    var solution = right
    for i in right.indices {
      for j in 0...i {
        let sum = (0..<j).reduce(factor[i][j]) { $0 - factor[i][$1] * factor[j][$1] }
        if i == j {
          guard sum > 0, sum.isFinite else { return nil }
          factor[i][i] = sum.squareRoot()
        } else {
          factor[i][j] = sum / factor[j][j]
        }
      }
      solution[i] = (0..<i).reduce(solution[i]) { $0 - factor[i][$1] * solution[$1] } / factor[i][i]
    }
    for i in right.indices.reversed() {
      solution[i] =
        (i + 1..<right.count).reduce(solution[i]) { $0 - factor[$1][i] * solution[$1] }
        / factor[i][i]
    }
    return solution
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }
}

/// The negative log-likelihood of a label, without overflow.
public func logLoss(logOdds: Double, isMatch: Bool) -> Double {
  let z = isMatch ? logOdds : -logOdds
  return max(-z, 0) + log1p(exp(-abs(z)))
}
