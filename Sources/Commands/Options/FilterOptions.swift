import ArgumentParser

/// What `blip filter` and `blip capfilt` compare, and what they keep.
struct FilterOptions: ParsableArguments {
  @Option(
    name: .customLong("images"),
    help: ArgumentHelp(
      "Base directory of the picture paths in the captions file. (default: the file's directory)",
      valueName: "dir"))
  var images: String?

  @Option(
    name: .customLong("threshold"),
    help: ArgumentHelp(
      "Keep texts whose probability is above P. (default: the model's, else 0.02 or, if it is not "
        + "calibrated, 0.5)",
      valueName: "p"))
  var threshold: Float?

  func validate() throws {
    if images?.isEmpty == true { throw ValidationError("--images must not be empty.") }
    if let threshold, !(0...1).contains(threshold) {
      throw ValidationError("--threshold must be from 0 to 1.")
    }
  }
}
