internal import Files

/// A tensor to be written to a safetensors file.
package struct TensorToWrite: Sendable {
  /// The elements, row-major.
  package enum Content: Sendable {
    /// F32.
    case floats([Float])
    /// Bytes of a type, little-endian.
    case bytes(ElementType, [UInt8])
    /// As stored in a checkpoint; written without an intermediate copy.
    case stored(StoredTensor)
  }

  /// Its name.
  package let name: String
  /// Its shape.
  package let shape: [Int]
  /// Its elements.
  package let content: Content

  /// A tensor; the number of elements must match the shape.
  package init(name: String, shape: [Int], content: Content) {
    let count = shape.reduce(1, *)
    switch content {
    case .floats(let floats): precondition(floats.count == count)
    case .bytes(let type, let bytes): precondition(bytes.count == count * type.size)
    case .stored(let tensor): precondition(tensor.count == count)
    }
    self.name = name
    self.shape = shape
    self.content = content
  }

  fileprivate var type: ElementType {
    switch content {
    case .floats: .float32
    case .bytes(let type, _): type
    case .stored(let tensor): tensor.type
    }
  }

  fileprivate var byteCount: Int { shape.reduce(1, *) * type.size }

  fileprivate func write(to file: AtomicFile) throws(PathError) {
    switch content {
    case .floats(let floats):
      try floats.withUnsafeBufferPointer { floats throws(PathError) in
        try file.write(UnsafeRawBufferPointer(floats))
      }
    case .bytes(_, let bytes): try file.write(bytes)
    case .stored(let tensor):
      try tensor.withBytes { bytes throws(PathError) in try file.write(bytes) }
      tensor.file.release(tensor.range)
    }
  }
}

/// Writes a safetensors file atomically: to a temporary file, which is synced and renamed. If
/// writing fails, an existing file is unchanged.
/// - Parameter metadata: The header's `__metadata__`.
package func writeSafetensors(
  _ tensors: [TensorToWrite], metadata: [String: String] = [:], to path: String
) throws(CheckpointError) {
  var entries: [String] = []
  if !metadata.isEmpty {
    let pairs = metadata.sorted { $0.key < $1.key }.map {
      "\(jsonString($0.key)):\(jsonString($0.value))"
    }
    entries.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
  }
  var offset = 0
  for tensor in tensors {
    let end = offset + tensor.byteCount
    let shape = tensor.shape.map(String.init).joined(separator: ",")
    entries.append(
      "\(jsonString(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
        + "\"data_offsets\":[\(offset),\(end)]}")
    offset = end
  }
  var header = Array("{\(entries.joined(separator: ","))}".utf8)
  // The data starts at a multiple of 64 bytes.
  header += [UInt8](repeating: 0x20, count: (64 - (8 + header.count) % 64) % 64)

  let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
  do throws(PathError) {
    let file = try AtomicFile(path)
    try file.write(length + header)
    for tensor in tensors {
      try tensor.write(to: file)
    }
    try file.commit()
  } catch { throw CheckpointError(error.description) }
}
