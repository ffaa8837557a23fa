import ArgumentParser

/// The pictures of a training run.
struct TrainingDataOptions: ParsableArguments {
  @Option(
    name: .customLong("images"),
    help: ArgumentHelp(
      "Base directory of the picture paths in a captions file; one per captions file.",
      valueName: "dir"))
  var images: [String] = []

  @Option(
    help: ArgumentHelp("Share of the pictures held out for evaluation.", valueName: "share"))
  var heldOut = 0.05

  @Option(
    help: ArgumentHelp(
      "Captions file to evaluate on, instead of holding out pictures.", valueName: "file"))
  var validation: String?

  @Option(
    help: ArgumentHelp(
      "Base directory of the picture paths in --validation. (default: the file's directory)",
      valueName: "dir"))
  var validationImages: String?

  @Option(
    help: ArgumentHelp(
      "Augmented views of each picture in the stem's cache, besides the original.",
      valueName: "n"))
  var views = 4

  @Option(
    help: ArgumentHelp(
      "Smallest share of a picture that an augmented view shows. (default: 0.2 for pretrain, else "
        + "0.5)", valueName: "share"))
  var crop: Double?

  @Option(
    help: ArgumentHelp(
      "Cache file for the output of a frozen stem. (default: in the run directory)",
      valueName: "file"))
  var stemCache: String?

  func validate() throws {
    try require(heldOut > 0 && heldOut < 1, "--held-out must be between 0 and 1.")
    try require(
      validationImages == nil || validation != nil, "--validation-images requires --validation.")
    try require(0...1000 ~= views, "--views must be from 0 to 1,000.")
    try require(
      crop.map { $0 > 0 && $0 <= 1 } ?? true, "--crop must be greater than 0 and at most 1.")
  }
}

/// The model that a run starts from, and which of its parameters are trained.
struct TrainedModelOptions: ParsableArguments {
  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      "Model to start from: a folder, or OWNER/NAME of a model fetched with blip model pull. "
        + "(default: the one shipped with blip)", valueName: "model"))
  var initial: String?

  @Option(
    help: ArgumentHelp(
      "Parameters not to train, separated by commas: stem, vision, text, or prefixes of parameter "
        + "names. (The downsampling layers of a convolutional stem are never trained.)",
      valueName: "parts"))
  var freeze: String?

  @Option(help: ArgumentHelp("Dropout rate of the text encoder and decoder.", valueName: "rate"))
  var dropout = 0.1

  func validate() throws {
    try require(dropout >= 0 && dropout < 1, "--dropout must be at least 0 and less than 1.")
  }
}
