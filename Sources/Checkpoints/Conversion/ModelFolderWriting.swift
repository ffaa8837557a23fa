import Glibc

/// Writes a model folder that differs from another only in its weights.
public struct ModelFolderWriter: Sendable {
  /// The folder to write.
  public let path: String
  private let source: ModelFolder
  private let storage: WeightStorage

  /// Makes the folder, with the small files of `source` in it. A folder that is there already is
  /// written over.
  public init(
    _ path: String, like source: ModelFolder, storage: WeightStorage
  ) throws(CheckpointError) {
    self.path = path
    self.source = source
    self.storage = storage
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw CheckpointError("\(path): cannot be made: \(String(cString: strerror(errno)))")
    }
    for (name, bytes) in try source.smallFiles() {
      try replaceFile("\(path)/\(name)", with: bytes)
    }
  }

  /// Writes the weights, in place of those that were there.
  ///
  /// Tensors of the source that are not among `tensors` are kept, and so are the bytes of those whose
  /// numbers did not change, except for parts of the decoder: what `tensors` does not name of it is
  /// the encoder's.
  public func write(
    _ tensors: [(name: String, shape: [Int], values: [Float])]
  ) throws(CheckpointError) {
    var written: [TensorToWrite] = []
    for (name, shape, values) in tensors {
      if let kept = try unchanged(name, shape, values) {
        written += kept
      } else {
        written += storage.stored(name, shape, values)
      }
    }
    let given = Set(tensors.map(\.name))
    for name in source.weights.names
    where !given.contains(name) && !name.hasPrefix("text_decoder.")
      && !Weights.isTemperature(name)
    {
      written += source.weights.kept(name)
    }
    try writeSafetensors(
      written.sorted { $0.name < $1.name }, metadata: ["format": "pt"],
      to: "\(path)/model.safetensors")
  }

  /// Says in `config.json` how many hits of a search pay for being reranked, and what the cosine counts
  /// then, where it says anything about that.
  public func setReranking(depth: Int, itcWeight: Float) throws(CheckpointError) {
    let file = "\(path)/config.json"
    let text = String(decoding: try readFile(file, limit: 16 << 20), as: UTF8.self)
    let changed =
      text
      .replacing(/"itc_weight"\s*:\s*[-+.\deE]+\s*,\s*|,\s*"itc_weight"\s*:\s*[-+.\deE]+/, with: "")
      .replacing(
        /"rerank_depth"\s*:\s*\d+/, with: "\"itc_weight\": \(itcWeight), \"rerank_depth\": \(depth)"
      )
    if changed != text { try replaceFile(file, with: Array(changed.utf8)) }
  }

  /// The tensor as the source stores it, where its numbers are the same.
  private func unchanged(
    _ name: String, _ shape: [Int], _ values: [Float]
  ) throws(CheckpointError) -> [TensorToWrite]? {
    guard source.weights.shape(of: name) == shape,
      try source.weights.floats(name, shape: shape) == values
    else { return nil }
    let kept = source.weights.kept(name)
    // One that could be smaller is not kept.
    return storage == .int8 && kept.count == 1 && WeightStorage.isMatrix(shape) ? nil : kept
  }
}
