import Files
import Glibc

/// Writes a model folder that differs from another one only in its weights.
package struct ModelFolderWriter: Sendable {
  /// The folder to write.
  package let path: String
  private let source: ModelFolder
  private let storage: WeightStorage

  /// Creates the folder with the small files of `source`, without what was measured of its weights
  /// (`blip.calibration`). Files in an existing folder are overwritten.
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
    try changeSettings(of: path) { settings in
      _ = settings.remove(["blip", "calibration"])
      return true
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
    try changeSettings(of: path) { settings in
      guard settings.value(at: ["blip", "rerank_depth"]) != nil else { return true }
      return settings.set(["blip", "rerank_depth"], to: "\(depth)")
        && settings.set(["blip", "itc_weight"], to: "\(itcWeight)")
    }
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

extension ModelFolder {
  /// Writes how likely hits are right into the `config.json` of a model folder. The fingerprint stays, as
  /// do all other settings.
  package static func setCalibration(
    _ calibration: HitCalibration, of path: String
  ) throws(CheckpointError) {
    try changeSettings(of: path) { $0.set(["blip", "calibration"], to: calibration.text) }
  }
}

/// Changes the `config.json` of a model folder, which appears whole or not at all.
private func changeSettings(
  of path: String, _ change: (inout JSONObjectText) -> Bool
) throws(CheckpointError) {
  let file = "\(path)/config.json"
  var settings = JSONObjectText(try readFile(file, limit: 16 << 20))
  let before = settings.bytes
  guard change(&settings) else {
    throw CheckpointError("\(file): not a JSON object in UTF-8; its settings cannot be changed")
  }
  guard settings.bytes != before else { return }
  // In a cache of downloads it is a link to a file that others share.
  let new = "\(file).new"
  try replace(new, with: settings.bytes)
  guard rename(new, file) == 0 else {
    throw CheckpointError("\(file): cannot be replaced: \(String(cString: strerror(errno)))")
  }
}

/// Writes a small file, which appears whole or not at all.
private func replace(_ file: String, with bytes: [UInt8]) throws(CheckpointError) {
  do throws(PathError) { try AtomicFile.write(bytes, to: file) } catch {
    throw CheckpointError(error.description)
  }
}
