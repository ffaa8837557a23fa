import ArgumentParser
import Training

/// How a run optimizes: its length, batches and learning rate.
struct OptimizationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Passes over the captions; 0 only fills the stem's cache.", valueName: "n"))
  var epochs = 6

  @Option(help: ArgumentHelp("Picture-caption pairs per batch.", valueName: "n"))
  var batch = 64

  @Option(
    help: ArgumentHelp("Gradient accumulation: batches per optimizer step.", valueName: "n"))
  var accumulate = 1

  @Option(
    name: .customLong("lr"),
    help: ArgumentHelp(
      "Peak learning rate. (default: 3e-4 for pretrain, else 1e-5)", valueName: "rate"))
  var rate: Double?

  @Option(
    help: ArgumentHelp(
      "Warm-up steps of the learning rate. (default: 3000 for pretrain, else 0)",
      valueName: "steps"))
  var warmUp: Int?

  @Option(
    help: ArgumentHelp(
      "Factor applied to the learning rate after every epoch; 0 selects cosine decay. (default: "
        + "0.9 for pretrain, else cosine decay)", valueName: "factor"))
  var decay: Double?

  @Option(
    help: ArgumentHelp(
      "Clip the gradient norm to this value. (default: no clipping)", valueName: "norm"))
  var clip: Double?

  func validate() throws {
    try require(0...100_000 ~= epochs, "--epochs must be from 0 to 100,000.")
    try require(2...65_536 ~= batch, "--batch must be from 2 to 65,536.")
    try require(1...65_536 ~= accumulate, "--accumulate must be from 1 to 65,536.")
    try require(
      rate.map { $0 > 0 && $0 <= 1 } ?? true, "--lr must be greater than 0 and at most 1.")
    try require(
      warmUp.map { 0...1_000_000_000 ~= $0 } ?? true, "--warm-up must not be negative.")
    try require(decay.map { 0...1 ~= $0 } ?? true, "--decay must be from 0 to 1.")
    try require(clip.map { $0 > 0 } ?? true, "--clip must be greater than 0.")
  }
}

/// What a run trains for.
struct ObjectiveOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What to train: retrieval (ITC and ITM: fine-tuning for search), pretrain (ITC, ITM and LM) "
        + "or caption (LM). (default: retrieval)", valueName: "objective"),
    transform: Self.objective)
  var objective = Objective.retrieval

  @Option(
    help: ArgumentHelp(
      "Size of ITC's queue of embeddings from earlier batches; at most half the number of pairs.",
      valueName: "n"))
  var queue = 57_600

  @Option(
    help: ArgumentHelp(
      "Epochs over which ITM negatives ramp from random to hard; 0 uses hard ones from the start.",
      valueName: "epochs"))
  var harden = 0.0

  private static func objective(_ text: String) throws -> Objective {
    guard let objective = Objective(rawValue: text) else {
      throw ValidationError("Choose pretrain, retrieval or caption.")
    }
    return objective
  }

  func validate() throws {
    try require(0...10_000_000 ~= queue, "--queue must be from 0 to 10,000,000.")
    try require(0...100_000 ~= harden, "--harden must be from 0 to 100,000.")
  }
}
