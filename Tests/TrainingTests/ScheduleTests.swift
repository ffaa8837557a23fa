import Testing

@testable import Training

/// Learning rates and α as BLIP's `utils.py`, `pretrain.py` and `train_retrieval.py` set them.
@Suite struct ScheduleTests {
  @Test func pretrainingWarmsUpThenFallsByATenthAnEpoch() {
    let schedule = RunSettings(.pretrain, epochs: 20).schedule
    #expect(schedule.rate(epoch: 0, step: 0, stepsInEpoch: 300) == 1e-6)
    #expect(
      abs(schedule.rate(epoch: 0, step: 1500, stepsInEpoch: 300) - (1e-6 + 2.99e-4 / 2)) < 1e-12)
    #expect(schedule.rate(epoch: 0, step: 3000, stepsInEpoch: 300) == 3e-4)
    #expect(abs(schedule.rate(epoch: 1, step: 20_000, stepsInEpoch: 300) - 2.7e-4) < 1e-12)
    #expect(abs(schedule.rate(epoch: 3, step: 60_000, stepsInEpoch: 300) - 3e-4 * 0.729) < 1e-12)
    #expect(schedule.rate(epoch: 200, step: 4_000_000, stepsInEpoch: 300) == 1e-6)
  }

  @Test func aWarmUpLongerThanAnEpochGoesOn() {
    let schedule = RunSettings(.pretrain, epochs: 20).schedule
    #expect(
      schedule.rate(epoch: 1, step: 1500, stepsInEpoch: 300)
        == schedule.rate(epoch: 0, step: 1500, stepsInEpoch: 300))
    #expect(abs(schedule.rate(epoch: 2, step: 2999, stepsInEpoch: 300) - 3e-4 * 0.81) < 1e-12)
  }

  @Test func fineTuningFollowsACosine() {
    let schedule = RunSettings(.retrieval, epochs: 6).schedule
    #expect(schedule.rate(epoch: 0, step: 0, stepsInEpoch: 300) == 1e-5)
    // BLIP's rates where an epoch begins.
    #expect(abs(schedule.rate(epoch: 2, step: 600, stepsInEpoch: 300) - 0.75e-5) < 1e-12)
    #expect(abs(schedule.rate(epoch: 3, step: 900, stepsInEpoch: 300) - 0.5e-5) < 1e-12)
    let rates = (0...1800).map { schedule.rate(epoch: $0 / 300, step: $0, stepsInEpoch: 300) }
    for (rate, next) in zip(rates, rates.dropFirst()) { #expect(next < rate) }
    #expect(rates[1799] < 1e-10 && rates[1800] == 0)
  }

  @Test func alphaClimbsOverTheFirstEpochs() {
    let pretraining = AlphaRamp(epochs: 2)
    #expect(pretraining.alpha(step: 0, stepsPerEpoch: 100) == 0)
    #expect(abs(pretraining.alpha(step: 100, stepsPerEpoch: 100) - 0.2) < 1e-6)
    #expect(pretraining.alpha(step: 200, stepsPerEpoch: 100) == 0.4)
    #expect(pretraining.alpha(step: 900, stepsPerEpoch: 100) == 0.4)
    #expect(abs(AlphaRamp(epochs: 1).alpha(step: 50, stepsPerEpoch: 100) - 0.2) < 1e-6)
  }
}
