internal import Glibc

/// Logistic regression of "is a match" on a logit, which makes probabilities calibrated: a temperature
/// alone (Guo et al. 2017, section 4.2) or, where it clearly pays, with a bias (Platt 1999).
public struct PlattScaling: Sendable, Equatable {
  /// What logits are multiplied by: 1 / temperature, above 0.
  public let scale: Double
  /// What is then added.
  public let bias: Double

  /// A given scaling.
  public init(scale: Double, bias: Double) { (self.scale, self.bias) = (scale, bias) }

  /// No scaling.
  public static let identity = PlattScaling(scale: 1, bias: 0)

  /// A bias is used if it lowers the loss by this share.
  private static let worthwhile = 0.01
  private static let steps = 50

  /// The scaling that minimises the negative log-likelihood; nil if a greater logit makes a match no
  /// likelier.
  public init?(fitting pairs: [LabelledScore]) {
    guard let plain = Self.fit(pairs, withBias: false) else { return nil }
    guard let shifted = Self.fit(pairs, withBias: true),
      shifted.loss(of: pairs) < (1 - Self.worthwhile) * plain.loss(of: pairs)
    else {
      self = plain
      return
    }
    self = shifted
  }

  /// Newton's method on the convex loss of scale and bias, its steps halved until they help.
  private static func fit(_ pairs: [LabelledScore], withBias: Bool) -> PlattScaling? {
    var (scale, bias) = (1.0, 0.0)
    var best = meanLoss(pairs, scale, bias)
    for _ in 0..<steps {
      guard var step = newtonStep(pairs, scale, bias, withBias: withBias) else { break }
      var next = meanLoss(pairs, scale - step.scale, bias - step.bias)
      while !(next <= best), abs(step.scale) + abs(step.bias) > 1e-9 {
        step = (step.scale / 2, step.bias / 2)
        next = meanLoss(pairs, scale - step.scale, bias - step.bias)
      }
      guard next <= best else { break }
      (scale, bias, best) = (scale - step.scale, bias - step.bias, next)
      if abs(step.scale) + abs(step.bias) < 1e-9 { break }
    }
    return scale > 0 ? PlattScaling(scale: scale, bias: bias) : nil
  }

  /// Hessian⁻¹ · gradient; nil where the Hessian is singular.
  private static func newtonStep(
    _ pairs: [LabelledScore], _ scale: Double, _ bias: Double, withBias: Bool
  ) -> (scale: Double, bias: Double)? {
    var (gs, gb, ss, sb, bb) = (0.0, 0.0, 1e-9, 0.0, 1e-9)
    for pair in pairs {
      let p = 1 / (1 + exp(-(scale * pair.logit + bias)))
      let (error, curve) = (p - (pair.isMatch ? 1 : 0), p * (1 - p))
      gs += error * pair.logit
      gb += error
      ss += curve * pair.logit * pair.logit
      sb += curve * pair.logit
      bb += curve
    }
    let determinant = ss * bb - sb * sb
    guard ss > 0, determinant > 0 || !withBias else { return nil }
    return withBias
      ? (scale: (bb * gs - sb * gb) / determinant, bias: (ss * gb - sb * gs) / determinant)
      : (scale: gs / ss, bias: 0)
  }

  /// The mean negative log-likelihood of the scaled probabilities.
  public func loss(of pairs: [LabelledScore]) -> Double { Self.meanLoss(pairs, scale, bias) }

  private static func meanLoss(
    _ pairs: [LabelledScore], _ scale: Double, _ bias: Double
  ) -> Double {
    let sum = pairs.reduce(0.0) { sum, pair in
      let logit = scale * pair.logit + bias
      // log(1 + e^-z) without overflow, z being the logit of the pair's label.
      let z = pair.isMatch ? logit : -logit
      return sum + max(-z, 0) + log1p(exp(-abs(z)))
    }
    return sum / Double(max(pairs.count, 1))
  }
}
