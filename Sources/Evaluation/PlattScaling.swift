internal import BLIP
internal import Glibc

/// The logistic regression of "is its own picture" on the difference of the two match logits: a
/// temperature alone (Guo et al. 2017, section 4.2) or, where it clearly pays, with a bias (Platt 1999).
struct PlattScaling {
  /// What minimises the negative log-likelihood.
  let calibration: MatchCalibration

  /// A bias stays where it lowers the loss by this share.
  private static let worthwhile = 0.01
  private static let steps = 50

  /// Nil where a greater margin makes a match no likelier.
  init?(fitting pairs: [ScoredPair]) {
    guard let plain = Self.fit(pairs, withBias: false) else { return nil }
    guard let shifted = Self.fit(pairs, withBias: true),
      loss(of: pairs, shifted) < (1 - Self.worthwhile) * loss(of: pairs, plain)
    else {
      calibration = plain
      return
    }
    calibration = shifted
  }

  /// Newton's method on the convex loss of scale and bias, its steps halved until they help.
  private static func fit(_ pairs: [ScoredPair], withBias: Bool) -> MatchCalibration? {
    var (scale, bias) = (1.0, 0.0)
    var best = meanLoss(pairs, scale, bias)
    for _ in 0..<steps {
      var (gs, gb, ss, sb, bb) = (0.0, 0.0, 1e-9, 0.0, 1e-9)
      for pair in pairs {
        let p = 1 / (1 + exp(-(scale * pair.margin + bias)))
        let (error, curve) = (p - (pair.isOwn ? 1 : 0), p * (1 - p))
        gs += error * pair.margin
        gb += error
        ss += curve * pair.margin * pair.margin
        sb += curve * pair.margin
        bb += curve
      }
      let determinant = ss * bb - sb * sb
      guard ss > 0, determinant > 0 || !withBias else { break }
      var step =
        withBias
        ? (scale: (bb * gs - sb * gb) / determinant, bias: (ss * gb - sb * gs) / determinant)
        : (scale: gs / ss, bias: 0)
      var next = meanLoss(pairs, scale - step.scale, bias - step.bias)
      while !(next <= best), abs(step.scale) + abs(step.bias) > 1e-9 {
        step = (step.scale / 2, step.bias / 2)
        next = meanLoss(pairs, scale - step.scale, bias - step.bias)
      }
      guard next <= best else { break }
      (scale, bias, best) = (scale - step.scale, bias - step.bias, next)
      if abs(step.scale) + abs(step.bias) < 1e-9 { break }
    }
    guard scale > 0 else { return nil }
    return MatchCalibration(temperature: Float(1 / scale), bias: Float(bias))
  }
}

/// The mean negative log-likelihood of calibrated probabilities.
func loss(of pairs: [ScoredPair], _ calibration: MatchCalibration) -> Double {
  meanLoss(pairs, 1 / Double(calibration.temperature), Double(calibration.bias))
}

private func meanLoss(_ pairs: [ScoredPair], _ scale: Double, _ bias: Double) -> Double {
  let sum = pairs.reduce(0.0) { sum, pair in
    let logit = scale * pair.margin + bias
    // log(1 + e^-z) without overflow, z being the logit of what is so.
    let z = pair.isOwn ? logit : -logit
    return sum + max(-z, 0) + log1p(exp(-abs(z)))
  }
  return sum / Double(max(pairs.count, 1))
}
