import Glibc

/// How a model folder stores the matrices that are written to it.
public enum WeightStorage: String, Sendable, CaseIterable {
  /// As F32.
  case fp32
  /// As I8 with a scale for every row, except tensors of one row or of at most 4,096 numbers: a
  /// quarter of the bytes.
  case int8
}

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
    let names = [
      "config.json", "preprocessor_config.json", "processor_config.json", "vocab.txt",
      "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    ]
    for name in names where fileExists("\(source.path)/\(name)") {
      let bytes = try readFile("\(source.path)/\(name)", limit: 64 << 20)
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
        written += stored(name, shape, values)
      }
    }
    let given = Set(tensors.map(\.name))
    for name in source.weights.names
    where !given.contains(name) && !name.hasPrefix("text_decoder.")
      && !Weights.isTrainingLeftover(name)
    {
      written += try source.weights.stored(name)
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
    let kept = try source.weights.stored(name)
    // One that could be smaller is not kept.
    return storage == .int8 && kept.count == 1 && Self.isMatrix(shape) ? nil : kept
  }

  private func stored(_ name: String, _ shape: [Int], _ values: [Float]) -> [TensorToWrite] {
    guard storage == .int8, Self.isMatrix(shape) else {
      return [TensorToWrite(name: name, shape: shape, content: .floats(values))]
    }
    let width = values.count / shape[0]
    var scales: [Float] = []
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count)
    for row in 0..<shape[0] {
      let row = values[row * width..<(row + 1) * width]
      let largest = row.reduce(0) { max($0, abs($1)) }
      let scale = largest > 0 ? largest / 127 : 1
      scales.append(scale)
      for value in row {
        let number = min(max((value / scale).rounded(.toNearestOrEven), -127), 127)
        bytes.append(UInt8(bitPattern: Int8(number)))
      }
    }
    return [
      TensorToWrite(name: name, shape: shape, content: .bytes(.int8, bytes)),
      TensorToWrite(name: "\(name)_scale", shape: [shape[0]], content: .floats(scales)),
    ]
  }

  private static func isMatrix(_ shape: [Int]) -> Bool {
    shape.count >= 2 && shape[0] > 1 && shape.reduce(1, *) > 4096
  }
}

extension Weights {
  /// A tensor's bytes as they are stored, with its scales where it has any.
  fileprivate func stored(_ name: String) throws(CheckpointError) -> [TensorToWrite] {
    try ([name] + (shape(of: "\(name)_scale") == nil ? [] : ["\(name)_scale"])).map {
      name throws(CheckpointError) in
      let shape = shape(of: name) ?? []
      let (type, bytes) = try withBytes(of: name, shape: shape) { ($0, Array($1)) }
      return TensorToWrite(name: name, shape: shape, content: .bytes(type, bytes))
    }
  }
}
