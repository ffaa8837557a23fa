/// A model folder in Hugging Face's format: `config.json`, `preprocessor_config.json` (or, from
/// newer versions, `processor_config.json`), `vocab.txt` or `tokenizer.json`, and
/// `model.safetensors` or `pytorch_model.bin`, or shards of one of them with an `….index.json`.
public struct ModelFolder: Sendable {
  /// The path of the folder.
  public let path: String
  /// The folder's name, or OWNER/NAME for a snapshot in Hugging Face's cache; for messages.
  public let name: String
  /// The model's architecture.
  public let configuration: ModelConfiguration
  /// How pictures are preprocessed.
  public let preprocessing: Preprocessing
  /// The path of `vocab.txt`, or of `tokenizer.json` if only that exists. A folder may lack both:
  /// then only loading the tokenizer fails, and the model can still be run on token ids.
  public let vocabularyPath: String
  /// The model's tensors.
  public let weights: Weights
  /// The model's fingerprint in hex: the same for the same weights, configuration and vocabulary,
  /// whatever the configuration's settings for this engine (`blip`), wherever the folder is and however the weights are divided into files.
  public let fingerprint: String

  /// Opens a folder and validates everything but the values of the weights.
  public init(path: String) throws(CheckpointError) {
    self.path = path
    name = modelName(path)
    let file = { (name: String) in "\(path)/\(name)" }

    guard fileExists(file("config.json")) else {
      throw CheckpointError(
        isFolder(path)
          ? "\(path): contains no config.json; give a model folder in Hugging Face's format"
          : "\(path): not a model folder; convert a checkpoint file to one first")
    }
    let configurationBytes = try readFile(file("config.json"), limit: 16 << 20)
    configuration = try decodeConfiguration(
      ModelConfiguration.self, file: file("config.json"), bytes: configurationBytes)

    let newer = !fileExists(file("preprocessor_config.json"))
    let preprocessorPath = file(newer ? "processor_config.json" : "preprocessor_config.json")
    guard fileExists(preprocessorPath) else {
      throw CheckpointError("\(path): contains no preprocessor_config.json; fetch it too")
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
        "\(preprocessorPath): size is \(preprocessing.imageSize) pixels, but the encoder takes "
          + "\(configuration.vision.imageSize) (vision_config.image_size in config.json)")
    }

    let words = file("vocab.txt")
    let tokenizer = file("tokenizer.json")
    vocabularyPath = !fileExists(words) && fileExists(tokenizer) ? tokenizer : words
    let vocabularyBytes =
      fileExists(vocabularyPath) ? try readFile(vocabularyPath, limit: 64 << 20) : []

    weights = try Weights(folder: path).fitted(to: configuration.vision)
    // Settings of this engine change no embedding.
    let architecture = JSONObjectText(configurationBytes).removing("blip").bytes
    fingerprint = fingerprintOf(files: [architecture, preprocessorBytes, vocabularyBytes], weights)
  }
}

/// The usual name of the model in a folder: `…/models--OWNER--NAME/snapshots/COMMIT` is OWNER/NAME.
private func modelName(_ path: String) -> String {
  let parts = path.split(separator: "/").filter { $0 != "." }.suffix(3)
  guard parts.count == 3, let repository = parts.first, repository.hasPrefix("models--"),
    parts.dropFirst().first == "snapshots"
  else { return parts.last.map(String.init) ?? path }
  let name = repository.dropFirst("models--".count)
  return String(name.replacing("--", with: "/", maxReplacements: 1))
}
