/// Reads the tensors of a file written by `torch.save` (PyTorch 1.6 and later): a zip file that
/// contains a pickle, `NAME/data.pkl`, and the storages it refers to, `NAME/data/KEY`,
/// uncompressed. The data is memory-mapped; two tensors may share a storage.
///
/// The pickle contains a dictionary of tensors by name, or one that has it under `model`, as in
/// BLIP's checkpoints; other contents (configuration, epoch, optimiser) are ignored.
func readPyTorch(_ path: String) throws(CheckpointError) -> [String: StoredTensor] {
  let file = try MappedFile(path: path)
  try requireZip(file)
  let archive = try TorchArchive(file)
  let (root, reader): (PickledValue, PickleReader)
  let pickle = try archive.pickle()
  do { (root, reader) = try PickleReader.read(pickle) } catch {
    throw CheckpointError(
      "\(path): its pickle is rejected: \(error.reason); only tensors and plain values are read, "
        + "and no code is run")
  }

  var tensors: [String: StoredTensor] = [:]
  for (name, value) in reader.stateDictionary(root) {
    guard case .tensor(let place) = value else { continue }
    let tensor = try archive.stored(reader.tensors[place], named: name)
    guard tensors.updateValue(tensor, forKey: name) == nil else {
      throw CheckpointError("\(path): tensor \"\(name)\" occurs twice")
    }
  }
  guard !tensors.isEmpty else {
    throw CheckpointError("\(path): contains no tensors, neither by name nor under \"model\"")
  }
  return tensors
}

extension PickleReader {
  /// The items of the dictionary of weights.
  fileprivate func stateDictionary(_ root: PickledValue) -> [(key: String, value: PickledValue)] {
    guard case .dictionary(let place) = root else { return [] }
    let model = dictionaries[place].last { $0.key == "model" }
    guard case .dictionary(let inner) = model?.value else { return dictionaries[place] }
    return dictionaries[inner]
  }
}

private func requireZip(_ file: MappedFile) throws(CheckpointError) {
  let start = file.withBytes(0..<min(4, file.count)) { Array($0) }
  if start == ZipArchive.signature { return }
  func holds(_ text: String, at offset: Int) -> Bool {
    let end = offset + text.utf8.count
    return end <= file.count && file.withBytes(offset..<end) { $0.elementsEqual(text.utf8) }
  }
  // A bare pickle, or a tar file.
  if start.first == 0x80 || holds("ustar", at: 257) {
    throw CheckpointError(
      "\(file.path): in the format of PyTorch before 1.6; save it again with a newer version: "
        + "torch.save(torch.load(path), path)")
  }
  if holds("version https://git-lfs", at: 0) {
    throw CheckpointError("\(file.path): only a Git LFS pointer; fetch the file itself")
  }
  throw CheckpointError("\(file.path): not a file saved by PyTorch; fetch it again")
}

/// A zip file with PyTorch's layout.
private struct TorchArchive {
  private let file: MappedFile
  private let entries: [String: Range<Int>?]
  /// The folder of all entries, with a trailing slash.
  private let root: String

  init(_ file: MappedFile) throws(CheckpointError) {
    self.file = file
    entries = try ZipArchive(file).entries
    let pickles = entries.keys.filter {
      $0.hasSuffix("/data.pkl") && $0.utf8.count { $0 == 0x2F } == 1
    }
    guard let pickle = pickles.first, pickles.count == 1 else {
      throw CheckpointError("\(file.path): a zip file, but not one saved by PyTorch")
    }
    root = String(pickle.dropLast("data.pkl".count))
    if entries["\(root)byteorder"] != nil, try bytes("byteorder", limit: 16) != Array("little".utf8)
    {
      throw CheckpointError(
        "\(file.path): its numbers are not little-endian; save it again on an x86 machine")
    }
  }

  func pickle() throws(CheckpointError) -> [UInt8] {
    try bytes("data.pkl", limit: PickleReader.maximumLength)
  }

  private func bytes(_ name: String, limit: Int) throws(CheckpointError) -> [UInt8] {
    let range = try range(name)
    guard range.count <= limit else {
      throw CheckpointError(
        "\(file.path): its entry \(name) has \(range.count) bytes; at most \(limit) are expected")
    }
    return file.withBytes(range) { Array($0) }
  }

  private func range(_ name: String) throws(CheckpointError) -> Range<Int> {
    guard let entry = entries[root + name] else {
      throw CheckpointError("\(file.path): its entry \(name) is missing; fetch it again")
    }
    guard let range = entry else {
      throw CheckpointError(
        "\(file.path): its entry \(name) is compressed or encrypted, which PyTorch never does; save "
          + "it again")
    }
    return range
  }

  /// The tensor's location in the file, validated against its storage.
  func stored(_ tensor: PickledTensor, named name: String) throws(CheckpointError) -> StoredTensor {
    func invalid(_ reason: String) -> CheckpointError {
      CheckpointError("\(file.path): tensor \"\(name)\": \(reason)")
    }
    let (storage, shape) = (tensor.storage, tensor.shape)
    let size = storage.type.size
    let range = try range("data/\(storage.key)")
    guard storage.count >= 0, product([storage.count, size]) == range.count else {
      throw invalid(
        "its storage has \(range.count) bytes, not \(storage.count) elements of \(size) bytes")
    }
    guard shape.allSatisfy({ $0 >= 0 }), shape.count == tensor.strides.count,
      let count = product(shape)
    else { throw invalid("its shape \(shape) is invalid") }
    guard 0...storage.count ~= tensor.offset, count <= storage.count - tensor.offset else {
      throw invalid(
        "\(shape) at offset \(tensor.offset) exceeds its storage of \(storage.count) elements")
    }
    guard Self.isRowMajor(shape, tensor.strides) else {
      throw invalid(
        "its elements are not row-major (strides \(tensor.strides)); save it .contiguous()")
    }
    let start = range.lowerBound + tensor.offset * size
    return StoredTensor(
      type: storage.type, shape: shape, file: file, range: start..<start + count * size)
  }

  /// As PyTorch's `is_contiguous`: a dimension of size 1 may have any stride.
  private static func isRowMajor(_ shape: [Int], _ strides: [Int]) -> Bool {
    guard !shape.contains(0) else { return true }
    // No product overflows: that of the entire shape did not.
    var step = 1
    for (rows, stride) in zip(shape, strides).reversed() where rows > 1 {
      guard stride == step else { return false }
      step *= rows
    }
    return true
  }
}
