import Foundation
import RankingMetrics
import TestSupport
import Testing

/// Whether probabilities are what they say, and how they are made so.
@Suite struct CalibrationTests {
  private func samples(
    _ weights: [Double], bias: Double, _ random: inout SplitMix64
  ) -> [LabelledFeatures] {
    (0..<40_000).map { _ in
      let features = [
        Double.random(in: -8...8, using: &random), Double.random(in: 0.3...0.7, using: &random),
      ]
      let logOdds = zip(weights, features).reduce(bias) { $0 + $1.0 * $1.1 }
      return LabelledFeatures(
        features, isMatch: Double.random(in: 0..<1, using: &random) < 1 / (1 + exp(-logOdds)))
    }
  }

  @Test("a fit finds the weights and the bias that pairs were drawn with")
  func fit() throws {
    var random = SplitMix64(seed: 3)
    let drawn = samples([0.5, 12], bias: -7, &random)
    let fitted = try #require(LogisticRegression(fitting: drawn))
    #expect(abs(fitted.weights[0] - 0.5) < 0.03 && abs(fitted.weights[1] - 12) < 0.6)
    #expect(abs(fitted.bias + 7) < 0.4)
    let others = [
      LogisticRegression(weights: fitted.weights, bias: fitted.bias + 0.1),
      LogisticRegression(weights: fitted.weights.map { $0 * 1.05 }, bias: fitted.bias),
      LogisticRegression(weights: [0, 0], bias: 0),
    ]
    #expect(others.allSatisfy { fitted.loss(of: drawn) < $0.loss(of: drawn) })
    #expect(fitted.probability(of: [0, 1]) > fitted.probability(of: [0, 0.9]))
  }

  @Test("a score that makes a match less likely, or is always the same, has no weight")
  func monotone() throws {
    var random = SplitMix64(seed: 4)
    let fitted = try #require(
      LogisticRegression(fitting: samples([0.5, -12], bias: 6, &random)))
    #expect(fitted.weights[0] > 0.3 && fitted.weights[1] == 0)
    let constant = samples([0.5, 0], bias: 0, &random).map {
      LabelledFeatures([$0.features[0], 0.7], isMatch: $0.isMatch)
    }
    #expect(try #require(LogisticRegression(fitting: constant)).weights[1] == 0)
  }

  @Test("labels that contradict the scores have no fit; labels without an error end the search")
  func limits() throws {
    var random = SplitMix64(seed: 5)
    #expect(LogisticRegression(fitting: samples([-0.5, -12], bias: 6, &random)) == nil)
    #expect(LogisticRegression(fitting: []) == nil)
    #expect(LogisticRegression(fitting: [LabelledFeatures([1], isMatch: true)]) == nil)
    // There is no best weight here; a fit ends all the same.
    let separable = [
      LabelledFeatures([3], isMatch: true), LabelledFeatures([-3], isMatch: false),
    ]
    let fitted = try #require(LogisticRegression(fitting: separable))
    #expect(fitted.weights[0] > 1 && fitted.weights[0].isFinite)
  }

  @Test("the calibration error is the mean distance of the bins' shares from their probabilities")
  func calibrationError() {
    let pairs: [(probability: Float, isMatch: Bool)] = [
      (0.25, true), (0.25, false), (0.75, true), (1, true),
    ]
    let diagram = ReliabilityDiagram(bins: 2, pairs)
    #expect(diagram.bins.map(\.matches) == [1, 2] && diagram.bins.map(\.others) == [1, 0])
    // |1 − 0.5| + |2 − 1.75| over four pairs.
    #expect(diagram.expectedCalibrationError == 0.1875)
  }

  @Test("the area under the ROC curve counts ties half")
  func area() {
    #expect(areaUnderROC(positives: [2, 3], negatives: [0, 1]) == 1)
    #expect(areaUnderROC(positives: [1], negatives: [0, 1, 2]) == 0.5)
    #expect(areaUnderROC(positives: [], negatives: [1]) == 0)
  }
}
