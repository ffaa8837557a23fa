import Foundation
import Metrics
import TestSupport
import Testing

/// Whether probabilities are what they say, and how they are made so.
@Suite struct CalibrationTests {
  private func pairs(
    temperature: Double, bias: Double, _ random: inout SplitMix64
  ) -> [LabelledScore] {
    (0..<40_000).map { _ in
      let logit = Double.random(in: -8...8, using: &random)
      let probability = 1 / (1 + exp(-(logit / temperature + bias)))
      return LabelledScore(
        logit: logit, isMatch: Double.random(in: 0..<1, using: &random) < probability)
    }
  }

  @Test("a fit finds the temperature and the bias that pairs were drawn with, and lowers the loss")
  func fit() throws {
    var random = SplitMix64(seed: 3)
    let plain = pairs(temperature: 2, bias: 0, &random)
    let cooled = try #require(PlattScaling(fitting: plain))
    #expect(abs(1 / cooled.scale - 2) < 0.1 && cooled.bias == 0)
    #expect(cooled.loss(of: plain) < PlattScaling.identity.loss(of: plain))
    let shifted = try #require(
      PlattScaling(fitting: pairs(temperature: 3, bias: -1.5, &random)))
    #expect(abs(1 / shifted.scale - 3) < 0.2 && abs(shifted.bias + 1.5) < 0.1)
  }

  @Test("labels that contradict the scores have no fit; labels without an error end the search")
  func limits() {
    var random = SplitMix64(seed: 4)
    let backwards = pairs(temperature: 2, bias: 0, &random).map {
      LabelledScore(logit: $0.logit, isMatch: !$0.isMatch)
    }
    #expect(PlattScaling(fitting: backwards) == nil)
    // There is no best temperature here; a fit ends all the same.
    _ = PlattScaling(
      fitting: [LabelledScore(logit: 3, isMatch: true), LabelledScore(logit: -3, isMatch: false)])
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
