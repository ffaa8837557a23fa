import Tensors
import Testing

@testable import Training

/// Fifty steps of each objective, from the same start on the same batches with the same negatives,
/// against PyTorch's.
@Suite struct TrajectoryTests {
  private let reference: Reference
  private let set: TinySet

  init() throws {
    reference = try Reference("trajectory.safetensors")
    set = try TinySet(reference)
  }

  private func trainer(_ objective: Objective) throws -> Trainer {
    var settings = Trainer.Settings(objective)
    settings.dropout = 0
    settings.queueCapacity = 0
    var trainer = try Trainer(tinyModel(), settings)
    if objective != .caption {
      let images = try reference.matrix("\(objective).queue.images")
      trainer.contrast?.objective.queue = FeatureQueue(
        images: images, texts: try reference.matrix("\(objective).queue.texts"),
        pictures: [Int32](repeating: FeatureQueue.nobody, count: images.rows), next: 0)
    }
    return trainer
  }

  @Test(arguments: Objective.allCases) func followsPyTorch(objective: Objective) throws {
    var trainer = try trainer(objective)
    let chosen = try reference.integers("\(objective).chosen")
    let wrongPictures = try reference.integers("\(objective).wrong_pictures")
    let wrongTexts = try reference.integers("\(objective).wrong_texts")
    let expected = try reference.matrix("\(objective).losses")
    let rates = try reference.floats("\(objective).rates")
    let alphas = try reference.floats("\(objective).alphas")
    #expect(expected.rows == 50)
    var worst = 0.0
    for step in 0..<expected.rows {
      let range = step * TinySet.pairs..<(step + 1) * TinySet.pairs
      let (losses, _) = try trainer.step(
        [set.batch(chosen[range])], .init(rate: Double(rates[step]), alpha: alphas[step]),
        negatives: [
          Negatives(pictures: Array(wrongPictures[range]), texts: Array(wrongTexts[range]))
        ])
      let ours = [losses.contrastive, losses.matching, losses.language].compactMap { $0 }
      try #require(ours.count == expected.columns)
      for (ours, theirs) in zip(ours, expected[row: step]) {
        worst = max(worst, abs(ours - Double(theirs)))
      }
    }
    #expect(worst <= 1e-3, "a loss is off by \(worst)")
    let temperature = try reference.floats("\(objective).temperature")[0]
    #expect(abs(trainer.model.temperature - temperature) <= 1e-5)
    #expect(trainer.steps == 50)
  }
}
