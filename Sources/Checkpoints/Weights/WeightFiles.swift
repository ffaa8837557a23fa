extension Weights {
  /// The tensors of a model folder under Hugging Face's names: of one file or of shards, safetensors
  /// where it has both those and PyTorch's own.
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
      "\(path): neither model.safetensors nor pytorch_model.bin in it, nor an index.json of its "
        + "shards; fetch one of them")
  }

  /// Of what a file holds, the tensors that a model is made of.
  init(source: String, model stored: [String: StoredTensor]) throws(CheckpointError) {
    self.init(source: source, stored: try modelTensors(stored, source: source))
  }
}

/// How a file stores tensors; in the order of preference.
private enum WeightFormat: CaseIterable {
  case safetensors, pyTorch

  /// The name that Hugging Face gives the file.
  var file: String { self == .safetensors ? "model.safetensors" : "pytorch_model.bin" }

  private var suffix: String { self == .safetensors ? ".safetensors" : ".bin" }

  func read(_ path: String) throws(CheckpointError) -> [String: StoredTensor] {
    switch self {
    case .safetensors: try readSafetensors(path)
    case .pyTorch: try readPyTorch(path)
    }
  }

  /// The tensors of the shards that an index lists, each where the index says.
  func readShards(
    folder: String, index: String
  ) throws(CheckpointError) -> [String: StoredTensor] {
    let shardOf = try decodeConfiguration(
      ShardIndex.self, file: index, bytes: readFile(index, limit: 16 << 20)
    ).shardOf
    for (name, shard) in shardOf {
      // A plain name cannot lead out of the folder.
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
          throw CheckpointError("\(file): tensor \"\(name)\" is not listed in \(index) as here")
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

/// `model.safetensors.index.json`: the file that each tensor lies in.
private struct ShardIndex: Decodable {
  let shardOf: [String: String]

  private enum CodingKeys: String, CodingKey { case shardOf = "weight_map" }
}
