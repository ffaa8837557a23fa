import ArgumentParser
import Training

/// How a model is trained; what is not given is as BLIP has it for the objective.
struct RecipeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What to train: retrieval (ITC and ITM: fine-tuning for search), pretrain (ITC, ITM and LM) "
        + "or caption (LM).", valueName: "objective"),
    transform: Self.objective)
  var objective = Objective.retrieval

  @Option(
    help: ArgumentHelp(
      "Passes over the captions; 0 only makes the stem's cache.", valueName: "n"))
  var epochs = 6

  @Option(help: ArgumentHelp("Pairs of a picture and a caption in a batch.", valueName: "n"))
  var batch = 64

  @Option(help: ArgumentHelp("Batches that make one step together.", valueName: "n"))
  var accumulate = 1

  @Option(
    name: .customLong("lr"),
    help: ArgumentHelp(
      "The highest learning rate (default: 3e-4 for pretrain, else 1e-5).", valueName: "rate"))
  var rate: Double?

  @Option(
    help: ArgumentHelp(
      "Steps in which the rate climbs (default: 3000 for pretrain, else 0).", valueName: "steps"))
  var warmUp: Int?

  @Option(
    help: ArgumentHelp(
      "Multiply the rate by this after every epoch (default: 0.9 for pretrain, else half a cosine); "
        + "0 chooses the cosine.", valueName: "factor"))
  var decay: Double?

  @Option(
    help: ArgumentHelp(
      "Leave parts as they are: stem, vision, text, or beginnings of parameters' names, with "
        + "commas (the layers of a convolutional stem that shrink the picture always stay).",
      valueName: "parts"))
  var freeze: String?

  @Option(
    help: ArgumentHelp(
      "Augmented views of each picture that the stem's cache keeps, besides the plain one.",
      valueName: "n"))
  var views = 4

  @Option(
    help: ArgumentHelp(
      "The smallest share of a picture that a view shows (default: 0.2 for pretrain, else 0.5).",
      valueName: "share"))
  var crop: Double?

  @Option(
    help: ArgumentHelp(
      "Embeddings of earlier batches that ITC compares with, up to half as many as there are pairs.",
      valueName: "n"))
  var queue = 57_600

  @Option(
    help: ArgumentHelp(
      "Epochs in which ITM's wrong pairs go from random to hard ones (0: hard at once).",
      valueName: "epochs"))
  var harden = 0.0

  @Option(help: ArgumentHelp("Dropout of the text side.", valueName: "share"))
  var dropout = 0.1

  @Option(
    help: ArgumentHelp("Scale gradients down to this norm (default: not).", valueName: "norm"))
  var clip: Double?

  @Option(help: ArgumentHelp("The share of the pictures that is held out.", valueName: "share"))
  var heldOut = 0.05

  @Option(help: ArgumentHelp("What all random choices start from.", valueName: "number"))
  var seed: UInt64 = 1

  private static func objective(_ text: String) throws -> Objective {
    guard let objective = Objective(rawValue: text) else {
      throw ValidationError("Choose pretrain, retrieval or caption.")
    }
    return objective
  }

  func validate() throws {
    func check(_ isRight: Bool, _ message: String) throws {
      if !isRight { throw ValidationError(message) }
    }
    try check(0...100_000 ~= epochs, "--epochs must be from 0 to 100,000.")
    try check(2...65_536 ~= batch, "--batch must be from 2 to 65,536.")
    try check(1...65_536 ~= accumulate, "--accumulate must be from 1 to 65,536.")
    try check(rate.map { $0 > 0 && $0 <= 1 } ?? true, "--lr must be more than 0 and at most 1.")
    try check(warmUp.map { 0...1_000_000_000 ~= $0 } ?? true, "--warm-up must not be negative.")
    try check(decay.map { 0...1 ~= $0 } ?? true, "--decay must be from 0 to 1.")
    try check(0...1000 ~= views, "--views must be from 0 to 1,000.")
    try check(crop.map { $0 > 0 && $0 <= 1 } ?? true, "--crop must be more than 0, at most 1.")
    try check(0...10_000_000 ~= queue, "--queue must be from 0 to 10,000,000.")
    try check(0...100_000 ~= harden, "--harden must be from 0 to 100,000.")
    try check(dropout >= 0 && dropout < 1, "--dropout must be at least 0 and less than 1.")
    try check(clip.map { $0 > 0 } ?? true, "--clip must be more than 0.")
    try check(heldOut > 0 && heldOut < 1, "--held-out must be between 0 and 1.")
  }

  func settings() -> RunSettings {
    var settings = RunSettings(objective, epochs: epochs)
    settings.batch = batch
    settings.accumulation = accumulate
    settings.rate = rate ?? settings.rate
    settings.warmUp = warmUp ?? settings.warmUp
    if let decay { settings.decay = decay == 0 ? nil : decay }
    settings.frozen = (freeze ?? "").split(separator: ",").map {
      String($0.drop(while: \.isWhitespace))
    }
    settings.views = views
    settings.smallestCrop = crop ?? settings.smallestCrop
    settings.queue = queue
    settings.hardeningEpochs = harden
    settings.dropout = dropout
    settings.clipping = clip
    settings.heldOut = heldOut
    settings.seed = seed
    return settings
  }
}
