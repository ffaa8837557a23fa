import ArgumentParser
import Checkpoints
import Training

/// All options of `blip train`, by what they are about. Settings not given are BLIP's for the
/// objective.
struct TrainingOptions: ParsableArguments {
  @OptionGroup(title: "Data") var data: TrainingDataOptions
  @OptionGroup(title: "Model") var model: TrainedModelOptions
  @OptionGroup(title: "Optimization") var optimization: OptimizationOptions
  @OptionGroup(title: "Objective") var objective: ObjectiveOptions
  @OptionGroup(title: "Run") var run: RunOptions

  func settings() -> RunSettings {
    var settings = RunSettings(objective.objective, epochs: optimization.epochs)
    settings.heldOut = data.heldOut
    settings.views = data.views
    settings.smallestCrop = data.crop ?? settings.smallestCrop
    settings.frozen = (model.freeze ?? "").split(separator: ",").map {
      String($0.drop(while: \.isWhitespace))
    }
    settings.dropout = model.dropout
    settings.batch = optimization.batch
    settings.accumulation = optimization.accumulate
    settings.rate = optimization.rate ?? settings.rate
    settings.warmUp = optimization.warmUp ?? settings.warmUp
    if let decay = optimization.decay { settings.decay = decay == 0 ? nil : decay }
    settings.clipping = optimization.clip
    settings.queue = objective.queue
    settings.hardeningEpochs = objective.harden
    settings.seed = run.seed
    return settings
  }
}

/// The run directory and what is written to it.
struct RunOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Run directory.", valueName: "dir"))
  var out: String

  @Flag(help: "Resume the run in --out.")
  var resume = false

  @Option(
    help: ArgumentHelp("Minutes between checkpoints.", valueName: "minutes"))
  var checkpointMinutes = 10.0

  @Option(
    help: ArgumentHelp("Also write a checkpoint every N steps.", valueName: "n"))
  var checkpointSteps: Int?

  @Option(
    help: ArgumentHelp(
      "Format of the weight matrices in last and best: fp32, or int8, a quarter of the size. "
        + "(default: int8)", valueName: "format"),
    transform: Self.storage)
  var weights = WeightStorage.int8

  @Option(help: ArgumentHelp("Random seed.", valueName: "number"))
  var seed: UInt64 = 1

  private static func storage(_ text: String) throws -> WeightStorage {
    guard let storage = WeightStorage(rawValue: text) else {
      throw ValidationError("Choose fp32 or int8.")
    }
    return storage
  }

  func validate() throws {
    try require(!out.isEmpty, "--out must not be empty.")
    try require(checkpointMinutes > 0, "--checkpoint-minutes must be greater than 0.")
    try require(checkpointSteps.map { $0 > 0 } ?? true, "--checkpoint-steps must be at least 1.")
  }
}

/// Throws a usage error unless a condition holds.
func require(_ condition: Bool, _ message: String) throws {
  if !condition { throw ValidationError(message) }
}
