/// A model folder as Hugging Face writes it: `config.json`, `preprocessor_config.json` (or
/// `processor_config.json`, as newer versions have it), `vocab.txt` or `tokenizer.json`, and
/// `model.safetensors` or `pytorch_model.bin`, or shards of one of them with an `….index.json`.
public struct ModelFolder: Sendable {
  /// Where the folder is.
  public let path: String
  /// The folder's own name, or OWNER/NAME of a snapshot in Hugging Face's cache; for messages.
  public let name: String
  /// What the model is made of.
  public let configuration: ModelConfiguration
  /// How pictures are made ready for it.
  public let preprocessing: Preprocessing
  /// `vocab.txt`, or `tokenizer.json` where only that is there. A folder may lack both, and then
  /// it is the tokenizer that refuses: its model can still be run on token ids.
  public let vocabularyPath: String
  /// The model's tensors.
  public let weights: Weights
  /// Hex; the same for the same weights, configuration and vocabulary wherever the folder lies and
  /// however the weights are cut into files.
  public let fingerprint: String

  /// Opens a folder and checks all but the values of the weights.
  public init(path: String) throws(CheckpointError) {
    self.path = path
    name = modelName(path)
    let file = { (name: String) in "\(path)/\(name)" }

    guard fileExists(file("config.json")) else {
      throw CheckpointError(
        isFolder(path)
          ? "\(path): no config.json in it; give a model folder as Hugging Face writes it"
          : "\(path): not a model folder; of a checkpoint file, blip model convert makes one")
    }
    let configurationBytes = try readFile(file("config.json"), limit: 16 << 20)
    configuration = try decodeConfiguration(
      ModelConfiguration.self, file: file("config.json"), bytes: configurationBytes)

    let newer = !fileExists(file("preprocessor_config.json"))
    let preprocessorPath = file(newer ? "processor_config.json" : "preprocessor_config.json")
    guard fileExists(preprocessorPath) else {
      throw CheckpointError("\(path): no preprocessor_config.json in it; fetch it too")
    }
    let preprocessorBytes = try readFile(preprocessorPath, limit: 16 << 20)
    preprocessing =
      newer
      ? try decodeConfiguration(
        ProcessorFile.self, file: preprocessorPath, bytes: preprocessorBytes
      ).images
      : try decodeConfiguration(
        Preprocessing.self, file: preprocessorPath, bytes: preprocessorBytes)
    guard preprocessing.imageSize == configuration.vision.imageSize else {
      throw CheckpointError(
        "\(preprocessorPath): pictures of \(preprocessing.imageSize) pixels for an encoder that "
          + "takes \(configuration.vision.imageSize) (vision_config.image_size in config.json)")
    }

    let words = file("vocab.txt")
    let tokenizer = file("tokenizer.json")
    vocabularyPath = !fileExists(words) && fileExists(tokenizer) ? tokenizer : words
    let vocabularyBytes =
      fileExists(vocabularyPath) ? try readFile(vocabularyPath, limit: 64 << 20) : []

    weights = try Weights(folder: path).fitted(to: configuration.vision)
    fingerprint = fingerprintOf(
      files: [configurationBytes, preprocessorBytes, vocabularyBytes], weights)
  }
}

/// What people call the model in a folder: `…/models--OWNER--NAME/snapshots/COMMIT` is OWNER/NAME.
private func modelName(_ path: String) -> String {
  let parts = path.split(separator: "/").filter { $0 != "." }.suffix(3)
  guard parts.count == 3, let repository = parts.first, repository.hasPrefix("models--"),
    parts.dropFirst().first == "snapshots"
  else { return parts.last.map(String.init) ?? path }
  let name = repository.dropFirst("models--".count)
  return String(name.replacing("--", with: "/", maxReplacements: 1))
}
