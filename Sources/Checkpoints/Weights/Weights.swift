/// The memory-mapped tensors of a model folder (one file or shards), converted to floats on
/// request. A tensor stored as I8 has a companion `NAME_scale` (F32, one value per index of the
/// first dimension): `w[o, …] = q[o, …] · scale[o]`. The companion belongs to its tensor and is not
/// listed in `names`.
public struct Weights: Sendable {
  /// The file, or the index of shards, that the tensors come from, for messages.
  public let source: String
  private let stored: [String: StoredTensor]

  init(source: String, stored: [String: StoredTensor]) {
    self.source = source
    self.stored = stored
  }

  /// The tensors of one safetensors file.
  package init(file: String) throws(CheckpointError) {
    self.init(source: file, stored: try readSafetensors(file))
  }

  /// The names of the tensors, sorted.
  public var names: [String] { stored.keys.filter { !isScale($0) }.sorted() }

  /// The shape of a tensor; nil if it does not exist.
  public func shape(of name: String) -> [Int]? { stored[name]?.shape }

  /// The values of a tensor stored as F32, F16, BF16 or I8 with scales, row-major. Throws an error
  /// that names the tensor if it is missing, has another shape or another type.
  public func floats(_ name: String, shape: [Int]) throws(CheckpointError) -> [Float] {
    let tensor = try tensor(name, shape: shape)
    let scales = try scales(of: name, tensor)
    return [Float](unsafeUninitializedCapacity: tensor.count) { floats, initialized in
      // Without scales, convert all rows at once.
      let rows = scales == nil ? 1 : shape[0]
      let width = rows == 0 ? 0 : tensor.count / rows
      tensor.withBytes { bytes in
        for row in 0..<rows {
          tensor.type.convert(
            row: row, width: width, of: bytes, scale: scales?[row] ?? 1, to: floats, row)
        }
      }
      initialized = tensor.count
    }
  }

  /// The concatenated rows `indices` of a tensor, as for an embedding lookup, without converting
  /// the entire table. Also throws if an index is out of range.
  public func rows(
    _ name: String, _ indices: [Int], shape: [Int]
  ) throws(CheckpointError) -> [Float] {
    let tensor = try tensor(name, shape: shape)
    let scales = try scales(of: name, tensor)
    let rows = shape.first ?? 0
    if let index = indices.first(where: { !(0..<rows).contains($0) }) {
      throw CheckpointError("\(source): tensor \"\(name)\" has \(rows) rows, no row \(index)")
    }
    let width = rows == 0 ? 0 : tensor.count / rows
    return [Float](unsafeUninitializedCapacity: indices.count * width) { floats, initialized in
      tensor.withBytes { bytes in
        for (place, row) in indices.enumerated() {
          tensor.type.convert(
            row: row, width: width, of: bytes, scale: scales?[row] ?? 1, to: floats, place)
        }
      }
      initialized = indices.count * width
    }
  }

  /// Passes the stored bytes of a tensor to `body`: row-major and little-endian, not necessarily
  /// aligned.
  public func withBytes<Result>(
    of name: String, shape: [Int], _ body: (ElementType, UnsafeRawBufferPointer) -> Result
  ) throws(CheckpointError) -> Result {
    let tensor = try tensor(name, shape: shape)
    return tensor.withBytes { body(tensor.type, $0) }
  }

  /// Releases a tensor's pages after it was read, so that they do not occupy memory in addition to
  /// the converted values.
  public func release(_ name: String) {
    guard let tensor = stored[name] else { return }
    tensor.file.release(tensor.range)
  }

  /// The number of parameters (not counting scales) and bytes stored as each type, by descending
  /// number of parameters.
  public var storage: [(type: ElementType, parameters: Int, bytes: Int)] {
    var sums: [ElementType: (parameters: Int, bytes: Int)] = [:]
    for (name, tensor) in stored {
      sums[tensor.type, default: (0, 0)].parameters += isScale(name) ? 0 : tensor.count
      sums[tensor.type, default: (0, 0)].bytes += tensor.range.count
    }
    return sums.map { ($0.key, $0.value.parameters, $0.value.bytes) }
      .sorted { ($0.parameters, $0.type.rawValue) > ($1.parameters, $1.type.rawValue) }
  }

  /// A tensor as stored; nil if it does not exist.
  func stored(_ name: String) -> StoredTensor? { stored[name] }

  /// The same tensors with one replaced.
  func replacing(_ name: String, by tensor: StoredTensor) -> Weights {
    Weights(source: source, stored: stored.merging([name: tensor]) { $1 })
  }

  /// Calls `body` for every stored tensor, including scales, in the order of their names.
  func forEachStored(_ body: (String, StoredTensor) -> Void) {
    for (name, tensor) in stored.sorted(by: { $0.key < $1.key }) { body(name, tensor) }
  }

  private func tensor(_ name: String, shape: [Int]) throws(CheckpointError) -> StoredTensor {
    guard let tensor = stored[name] else {
      throw CheckpointError("\(source): tensor \"\(name)\" is missing")
    }
    guard tensor.shape == shape else {
      throw CheckpointError(
        "\(source): tensor \"\(name)\" has shape \(tensor.shape); \(shape) is expected")
    }
    guard tensor.type.isWeight else {
      throw CheckpointError(
        "\(source): tensor \"\(name)\" is stored as \(tensor.type.rawValue); F32, F16, BF16 and "
          + "I8 with scales can be read")
    }
    return tensor
  }

  /// The scales of an I8 tensor's rows; nil for other types.
  private func scales(
    of name: String, _ tensor: StoredTensor
  ) throws(CheckpointError) -> [Float]? {
    guard tensor.type == .int8 else { return nil }
    guard let rows = tensor.shape.first else {
      throw CheckpointError("\(source): tensor \"\(name)\" is a scalar I8, which has no rows")
    }
    guard let scale = stored[scaleName(name)] else {
      throw CheckpointError(
        "\(source): tensor \"\(name)\" is stored as I8 but \"\(scaleName(name))\" is missing")
    }
    guard scale.type == .float32, scale.shape == [rows] else {
      throw CheckpointError(
        "\(source): tensor \"\(scaleName(name))\" is \(scale.type.rawValue) \(scale.shape); "
          + "F32 [\(rows)] is expected")
    }
    return [Float](unsafeUninitializedCapacity: rows) { floats, initialized in
      scale.withBytes {
        ElementType.float32.convert($0, scale: 1, to: .init(rebasing: floats[..<rows]))
      }
      initialized = rows
    }
  }

  private func scaleName(_ name: String) -> String { name + "_scale" }

  /// Whether `name` is the companion of an I8 tensor.
  private func isScale(_ name: String) -> Bool {
    guard name.hasSuffix("_scale") else { return false }
    return stored[String(name.dropLast("_scale".count))]?.type == .int8
  }
}

extension Weights {
  /// Checks that the folder contains exactly the tensors of a model; throws an error that names a
  /// tensor that is missing, has a wrong shape or type, or is unused.
  /// - Parameters:
  ///   - expected: The shape of every tensor of the model, by name.
  ///   - ignoring: Whether an unused tensor belongs to a part of the model that is not run. The
  ///     temperature is always ignored.
  public func requireExactly(
    _ expected: [String: [Int]], ignoring: (String) -> Bool
  ) throws(CheckpointError) {
    for name in expected.keys.sorted() {
      _ = try scales(of: name, try tensor(name, shape: expected[name] ?? []))
    }
    let unused = names.filter {
      expected[$0] == nil && !Self.isTemperature($0) && !ignoring($0)
    }
    guard let first = unused.first else { return }
    let others = unused.count == 1 ? " is" : " and \(unused.count - 1) more are"
    throw CheckpointError(
      "\(source): tensor \"\(first)\"\(others) not part of the model that config.json describes"
    )
  }

  /// Whether a tensor is the temperature, which only training needs.
  static func isTemperature(_ name: String) -> Bool { name == "temp" || name == "logit_scale" }
}

extension ElementType {
  /// Converts row `row` of `bytes` (rows of `width` elements) to row `place` of `floats`.
  fileprivate func convert(
    row: Int, width: Int, of bytes: UnsafeRawBufferPointer, scale: Float,
    to floats: UnsafeMutableBufferPointer<Float>, _ place: Int
  ) {
    convert(
      UnsafeRawBufferPointer(rebasing: bytes[row * width * size..<(row + 1) * width * size]),
      scale: scale,
      to: UnsafeMutableBufferPointer(rebasing: floats[place * width..<(place + 1) * width]))
  }
}
