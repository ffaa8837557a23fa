internal import Files

/// Converts a model to a model folder in Hugging Face's format, from another folder or from a
/// checkpoint file that contains only weights, such as BLIP's original ones.
package struct ModelConversion: Sendable {
  private let weights: Weights
  private let files: [(name: String, bytes: [UInt8])]

  /// Reads the model to convert; throws if it is not a model.
  /// - Parameters:
  ///   - path: A model folder, or a file saved by PyTorch.
  ///   - imageSize: The side of the new model's input, in pixels; nil: unchanged.
  ///   - vocabulary: A `vocab.txt` or `tokenizer.json` for the new folder; nil: that of the source.
  ///   - standardVocabulary: The vocabulary for a checkpoint file if none is given.
  package init(
    _ path: String, imageSize: Int? = nil, vocabulary: String?, standardVocabulary: String
  ) throws(CheckpointError) {
    var files: [(name: String, bytes: [UInt8])]
    let weights: Weights
    if isFolder(path) {
      let folder = try ModelFolder(path: path)
      files = try folder.smallFiles()
      // Embeddings of texts, which stay as they are.
      let bank = "text_bank.safetensors"
      if fileExists("\(path)/\(bank)") {
        files.append((bank, try readFile("\(path)/\(bank)", limit: 256 << 20)))
      }
      weights = folder.weights
    } else {
      let stored = try readPyTorch(path)
      weights = try Weights(source: path, model: stored)
      let inferred = try InferredConfiguration(
        weights, isOriginal: stored.keys.contains { $0.hasPrefix(OriginalNames.imageEncoder) })
      files = [
        ("config.json", try inferred.configuration.file()),
        ("preprocessor_config.json", try inferred.preprocessing.file()),
      ]
    }
    if let vocabulary = vocabulary ?? (isFolder(path) ? nil : standardVocabulary) {
      files.removeAll { Self.vocabularies.contains($0.name) }
      files.append(
        (
          vocabulary.hasSuffix(".json") ? "tokenizer.json" : "vocab.txt",
          try readFile(vocabulary, limit: 64 << 20)
        ))
    }
    if let imageSize {
      for index in files.indices {
        files[index].bytes = try Self.resized(
          files[index].name, files[index].bytes, of: path, to: imageSize)
      }
    }
    guard let config = files.first(where: { $0.name == "config.json" }) else {
      preconditionFailure("a model folder has a config.json")
    }
    let configuration = try decodeConfiguration(
      ModelConfiguration.self, file: "\(path): its config.json", bytes: config.bytes)
    self.weights = try weights.fitted(to: configuration.vision)
    self.files = files
  }

  private static let vocabularies = ["vocab.txt", "tokenizer.json"]

  /// A configuration file changed to another input size; other files are unchanged.
  private static func resized(
    _ name: String, _ bytes: [UInt8], of path: String, to imageSize: Int
  ) throws(CheckpointError) -> [UInt8] {
    let square = JSONValue.object(["height": .integer(imageSize), "width": .integer(imageSize)])
    func parsed() throws(CheckpointError) -> JSONValue {
      try decodeConfiguration(JSONValue.self, file: "\(path)/\(name)", bytes: bytes)
    }
    switch name {
    case "config.json":
      var json = try parsed()
      var vision = json["vision_config"] ?? .object([:])
      vision["image_size"] = .integer(imageSize)
      json["vision_config"] = vision
      return try json.file()
    case "preprocessor_config.json":
      var json = try parsed()
      json["size"] = square
      return try json.file()
    case "processor_config.json":
      var json = try parsed()
      var images = json["image_processor"] ?? .object([:])
      images["size"] = square
      json["image_processor"] = images
      return try json.file()
    default: return bytes
    }
  }

  /// Writes the folder atomically, with the weights in one `model.safetensors`: tensors as stored,
  /// or, with `int8`, matrices in int8.
  /// - Parameter check: Validates the folder before it is renamed to `path`; errors are rethrown.
  package func write(
    to path: String, int8: Bool = false, check: (ModelFolder) throws -> Void
  ) throws {
    let folder = try NewFolder(path)
    for (name, bytes) in files { try AtomicFile.write(bytes, to: folder.place(of: name)) }
    var tensors: [TensorToWrite] = []
    for name in weights.names {
      tensors += int8 ? try quantized(name) : weights.kept(name)
    }
    try writeSafetensors(
      tensors.sorted { $0.name < $1.name }, metadata: ["format": "pt"],
      to: folder.place(of: "model.safetensors"))
    try check(ModelFolder(path: folder.temporary))
    try folder.commit()
  }

  /// A tensor, converted to int8 if it is a matrix of a larger type.
  private func quantized(_ name: String) throws(CheckpointError) -> [TensorToWrite] {
    guard let tensor = weights.stored(name), tensor.type != .int8, tensor.type.isWeight,
      WeightStorage.isMatrix(tensor.shape)
    else { return weights.kept(name) }
    defer { weights.release(name) }
    return WeightStorage.int8.stored(
      name, tensor.shape, try weights.floats(name, shape: tensor.shape))
  }
}

extension ModelFolder {
  /// The files other than the weights.
  func smallFiles() throws(CheckpointError) -> [(name: String, bytes: [UInt8])] {
    var files: [(name: String, bytes: [UInt8])] = []
    for name in [
      "config.json", "preprocessor_config.json", "processor_config.json", "vocab.txt",
      "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    ] where fileExists("\(path)/\(name)") {
      files.append((name, try readFile("\(path)/\(name)", limit: 64 << 20)))
    }
    return files
  }
}
