extension Weights {
  /// Reads the tensors of a model folder, under Hugging Face's names, from one file or shards;
  /// safetensors are preferred to PyTorch files.
  init(folder path: String) throws(CheckpointError) {
    for format in WeightFormat.allCases {
      let single = "\(path)/\(format.file)"
      let index = "\(path)/\(format.file).index.json"
      if fileExists(single) {
        try self.init(source: single, model: format.read(single))
        return
      }
      if fileExists(index) {
        try self.init(source: index, model: format.readShards(folder: path, index: index))
        return
      }
    }
    throw CheckpointError(
      "\(path): contains neither model.safetensors nor pytorch_model.bin, nor an index.json of "
        + "their shards; fetch one of them")
  }

  /// Selects the model's tensors from the contents of a file.
  init(source: String, model stored: [String: StoredTensor]) throws(CheckpointError) {
    self.init(source: source, stored: try modelTensors(stored, source: source))
  }
}

/// The file formats of weights, in order of preference.
private enum WeightFormat: CaseIterable {
  case safetensors, pyTorch

  /// Hugging Face's file name.
  var file: String { self == .safetensors ? "model.safetensors" : "pytorch_model.bin" }

  private var suffix: String { self == .safetensors ? ".safetensors" : ".bin" }

  func read(_ path: String) throws(CheckpointError) -> [String: StoredTensor] {
    switch self {
    case .safetensors: try readSafetensors(path)
    case .pyTorch: try readPyTorch(path)
    }
  }

  /// Reads the tensors of the shards listed in an index; each must be in the shard that the index
  /// gives.
  func readShards(
    folder: String, index: String
  ) throws(CheckpointError) -> [String: StoredTensor] {
    let shardOf = try decodeConfiguration(
      ShardIndex.self, file: index, bytes: readFile(index, limit: 16 << 20)
    ).shardOf
    for (name, shard) in shardOf {
      // A plain name cannot refer outside the folder.
      guard shard.hasSuffix(suffix), !shard.utf8.contains(where: { $0 == 0x2F || $0 == 0 }) else {
        throw CheckpointError(
          "\(index): weight_map.\(name) is \"\(shard)\", not the name of a \(suffix.dropFirst()) "
            + "file beside it")
      }
    }
    guard !shardOf.isEmpty else { throw CheckpointError("\(index): weight_map lists no tensors") }

    var tensors: [String: StoredTensor] = [:]
    for shard in Set(shardOf.values).sorted() {
      let file = "\(folder)/\(shard)"
      for (name, tensor) in try read(file) {
        guard shardOf[name] == shard else {
          throw CheckpointError(
            "\(file): tensor \"\(name)\" is not in the shard that \(index) gives")
        }
        tensors[name] = tensor
      }
    }
    if let missing = shardOf.keys.sorted().first(where: { tensors[$0] == nil }) {
      throw CheckpointError(
        "\(folder)/\(shardOf[missing] ?? ""): tensor \"\(missing)\", listed in \(index), is missing"
      )
    }
    return tensors
  }
}

/// `model.safetensors.index.json`: the file of each tensor.
private struct ShardIndex: Decodable {
  let shardOf: [String: String]

  private enum CodingKeys: String, CodingKey { case shardOf = "weight_map" }
}
