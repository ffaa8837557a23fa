import Files
import Glibc

/// Writes a model folder that differs from another one only in its weights.
package struct ModelFolderWriter: Sendable {
  /// The folder to write.
  package let path: String
  private let source: ModelFolder
  private let storage: WeightStorage

  /// Creates the folder with the small files of `source`. Files in an existing folder are
  /// overwritten.
  package init(
    _ path: String, like source: ModelFolder, storage: WeightStorage
  ) throws(CheckpointError) {
    self.path = path
    self.source = source
    self.storage = storage
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw CheckpointError("\(path): cannot be created: \(String(cString: strerror(errno)))")
    }
    for (name, bytes) in try source.smallFiles() {
      try replace("\(path)/\(name)", with: bytes)
    }
  }

  /// Writes the weights, replacing existing ones.
  ///
  /// Tensors of the source that are not in `tensors` are copied, except those of the decoder (a
  /// missing tensor of the decoder is shared with the encoder). Tensors whose values did not change
  /// keep their stored bytes.
  package func write(
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

  /// Sets the rerank depth and the weight of the ITC cosine in `config.json`, if it has a rerank
  /// depth.
  package func setReranking(depth: Int, itcWeight: Float) throws(CheckpointError) {
    let file = "\(path)/config.json"
    let text = String(decoding: try readFile(file, limit: 16 << 20), as: UTF8.self)
    let changed =
      text
      .replacing(/"itc_weight"\s*:\s*[-+.\deE]+\s*,\s*|,\s*"itc_weight"\s*:\s*[-+.\deE]+/, with: "")
      .replacing(
        /"rerank_depth"\s*:\s*\d+/, with: "\"itc_weight\": \(itcWeight), \"rerank_depth\": \(depth)"
      )
    if changed != text { try replace(file, with: Array(changed.utf8)) }
  }

  /// The tensor as stored in the source if its values are the same; otherwise nil.
  private func unchanged(
    _ name: String, _ shape: [Int], _ values: [Float]
  ) throws(CheckpointError) -> [TensorToWrite]? {
    guard source.weights.shape(of: name) == shape,
      try source.weights.floats(name, shape: shape) == values
    else { return nil }
    let kept = source.weights.kept(name)
    // Do not keep one that int8 makes smaller.
    return storage == .int8 && kept.count == 1 && WeightStorage.isMatrix(shape) ? nil : kept
  }
}

/// Writes a small file, which appears whole or not at all.
private func replace(_ file: String, with bytes: [UInt8]) throws(CheckpointError) {
  do throws(PathError) { try AtomicFile.write(bytes, to: file) } catch {
    throw CheckpointError(error.description)
  }
}
