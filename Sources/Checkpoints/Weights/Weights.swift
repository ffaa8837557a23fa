/// The tensors of a model folder (one file or shards), mapped; turned into floats on request. A tensor stored as I8 has a companion `NAME_scale` (F32, one number a row, a row being
/// what one index of the first dimension selects): `w[o, …] = q[o, …] · scale[o]`. The companion
/// belongs to its tensor and is not listed.
public struct Weights: Sendable {
  /// The file, or the list of shards, that the tensors come from, for messages.
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

  /// The names of the tensors, in order.
  public var names: [String] { stored.keys.filter { !isScale($0) }.sorted() }

  /// The shape of a tensor, nil where there is none of that name.
  public func shape(of name: String) -> [Int]? { stored[name]?.shape }

  /// Row-major floats of a whole tensor of any stored type (F32, F16, BF16, I8 with scales).
  /// Throws naming the tensor when it is missing, has another shape or is stored as another type.
  public func floats(_ name: String, shape: [Int]) throws(CheckpointError) -> [Float] {
    let tensor = try tensor(name, shape: shape)
    let scales = try scales(of: name, tensor)
    return [Float](unsafeUninitializedCapacity: tensor.count) { floats, initialized in
      // Without scales one sweep does for all rows.
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

  /// The rows `indices` of a tensor, one behind the other: what an embedding table is asked for,
  /// without turning the whole table into floats. Throws too when an index has no row.
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

  /// Lends the stored bytes of a tensor, row-major and little-endian, not necessarily aligned.
  public func withBytes<Result>(
    of name: String, shape: [Int], _ body: (ElementType, UnsafeRawBufferPointer) -> Result
  ) throws(CheckpointError) -> Result {
    let tensor = try tensor(name, shape: shape)
    return tensor.withBytes { body(tensor.type, $0) }
  }

  /// Says that a tensor was read and will not be again soon, so that the memory of a process does not
  /// hold both what the file has and what was made of it.
  public func release(_ name: String) {
    guard let tensor = stored[name] else { return }
    tensor.file.release(tensor.range)
  }

  /// What the tensors are stored as: for every type, the most numbers first, how many numbers of the
  /// model it holds (scales are none) and how many bytes they take.
  public var storage: [(type: ElementType, parameters: Int, bytes: Int)] {
    var sums: [ElementType: (parameters: Int, bytes: Int)] = [:]
    for (name, tensor) in stored {
      sums[tensor.type, default: (0, 0)].parameters += isScale(name) ? 0 : tensor.count
      sums[tensor.type, default: (0, 0)].bytes += tensor.range.count
    }
    return sums.map { ($0.key, $0.value.parameters, $0.value.bytes) }
      .sorted { ($0.parameters, $0.type.rawValue) > ($1.parameters, $1.type.rawValue) }
  }

  /// A tensor as it is stored, nil where there is none of that name.
  func stored(_ name: String) -> StoredTensor? { stored[name] }

  /// The same tensors, one of them replaced.
  func replacing(_ name: String, by tensor: StoredTensor) -> Weights {
    Weights(source: source, stored: stored.merging([name: tensor]) { $1 })
  }

  /// Every stored tensor, scales too, in the order of the names.
  func forEachStored(_ body: (String, StoredTensor) -> Void) {
    for (name, tensor) in stored.sorted(by: { $0.key < $1.key }) { body(name, tensor) }
  }

  private func tensor(_ name: String, shape: [Int]) throws(CheckpointError) -> StoredTensor {
    guard let tensor = stored[name] else {
      throw CheckpointError("\(source): tensor \"\(name)\" is missing")
    }
    guard tensor.shape == shape else {
      throw CheckpointError(
        "\(source): tensor \"\(name)\" has shape \(tensor.shape) where \(shape) is expected")
    }
    guard tensor.type.isWeight else {
      throw CheckpointError(
        "\(source): tensor \"\(name)\" is stored as \(tensor.type.rawValue); F32, F16, BF16 and "
          + "I8 with scales can be read")
    }
    return tensor
  }

  /// The scales of an I8 tensor's rows; nil for the other types.
  private func scales(
    of name: String, _ tensor: StoredTensor
  ) throws(CheckpointError) -> [Float]? {
    guard tensor.type == .int8 else { return nil }
    guard let rows = tensor.shape.first else {
      throw CheckpointError("\(source): tensor \"\(name)\" is a single I8, which has no rows")
    }
    guard let scale = stored[scaleName(name)] else {
      throw CheckpointError(
        "\(source): tensor \"\(name)\" is stored as I8 but \"\(scaleName(name))\" is missing")
    }
    guard scale.type == .float32, scale.shape == [rows] else {
      throw CheckpointError(
        "\(source): tensor \"\(scaleName(name))\" is \(scale.type.rawValue) \(scale.shape) where "
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
  /// Checks that the folder holds the tensors a model is made of and no others: a tensor that is
  /// missing, wrongly shaped, not stored as a weight, or unused, is an error that names it.
  /// - Parameters:
  ///   - expected: The shape of every tensor of the model, by name.
  ///   - ignoring: Whether a tensor belongs to a part that is not run. A temperature is passed over
  ///     without asking.
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
    let others = unused.count == 1 ? "" : " and \(unused.count - 1) more"
    throw CheckpointError(
      "\(source): tensor \"\(first)\"\(others) has no place in the model that config.json describes"
    )
  }

  /// What only training has a use for.
  static func isTemperature(_ name: String) -> Bool { name == "temp" || name == "logit_scale" }
}

extension ElementType {
  /// Turns row `row` of `bytes` (rows of `width` elements) into floats at row `place` of `floats`.
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
