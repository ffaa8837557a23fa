/// The tensors of a file that `torch.save` wrote (PyTorch 1.6 and later): a zip of a pickle,
/// `NAME/data.pkl`, and of the storages that it refers to, `NAME/data/KEY`, uncompressed. They are
/// mapped where they lie; two tensors may share a storage.
///
/// The pickle holds a dictionary of tensors by name, or one that has it under `model`, as BLIP's own
/// checkpoints have; what else is there (configuration, epoch, optimiser) is passed over.
func readPyTorch(_ path: String) throws(CheckpointError) -> [String: StoredTensor] {
  let file = try MappedFile(path: path)
  try requireZip(file)
  let archive = try TorchArchive(file)
  let (root, reader): (PickledValue, PickleReader)
  let pickle = try archive.pickle()
  do { (root, reader) = try PickleReader.read(pickle) } catch {
    throw CheckpointError(
      "\(path): its pickle is refused: \(error.reason); only tensors and plain values are read, and "
        + "nothing is run")
  }

  var tensors: [String: StoredTensor] = [:]
  for (name, value) in reader.stateDictionary(root) {
    guard case .tensor(let place) = value else { continue }
    let tensor = try archive.stored(reader.tensors[place], named: name)
    guard tensors.updateValue(tensor, forKey: name) == nil else {
      throw CheckpointError("\(path): tensor \"\(name)\" stands in it twice")
    }
  }
  guard !tensors.isEmpty else {
    throw CheckpointError("\(path): no tensors in it, neither by name nor under \"model\"")
  }
  return tensors
}

extension PickleReader {
  /// The items of the dictionary that has the weights.
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
  // A pickle by itself, or a tar file.
  if start.first == 0x80 || holds("ustar", at: 257) {
    throw CheckpointError(
      "\(file.path): in the format that PyTorch wrote before 1.6; save it again with a newer one: "
        + "torch.save(torch.load(path), path)")
  }
  if holds("version https://git-lfs", at: 0) {
    throw CheckpointError("\(file.path): only Git LFS's pointer to the file; fetch the file itself")
  }
  throw CheckpointError("\(file.path): not a file that PyTorch saved; fetch it again")
}

/// The zip as PyTorch lays it out.
private struct TorchArchive {
  private let file: MappedFile
  private let entries: [String: Range<Int>?]
  /// The folder that everything lies in, with its slash.
  private let root: String

  init(_ file: MappedFile) throws(CheckpointError) {
    self.file = file
    entries = try ZipArchive(file).entries
    let pickles = entries.keys.filter {
      $0.hasSuffix("/data.pkl") && $0.utf8.count { $0 == 0x2F } == 1
    }
    guard let pickle = pickles.first, pickles.count == 1 else {
      throw CheckpointError("\(file.path): a zip file, but not one that PyTorch saved")
    }
    root = String(pickle.dropLast("data.pkl".count))
    if entries["\(root)byteorder"] != nil, try bytes("byteorder", limit: 16) != Array("little".utf8)
    {
      throw CheckpointError(
        "\(file.path): its numbers are not little-endian; save it again on an x86 machine")
    }
  }

  func pickle() throws(CheckpointError) -> [UInt8] {
    try bytes("data.pkl", limit: PickleReader.longestPickle)
  }

  private func bytes(_ name: String, limit: Int) throws(CheckpointError) -> [UInt8] {
    let range = try range(name)
    guard range.count <= limit else {
      throw CheckpointError(
        "\(file.path): \(name) in it has \(range.count) bytes where at most \(limit) are expected")
    }
    return file.withBytes(range) { Array($0) }
  }

  private func range(_ name: String) throws(CheckpointError) -> Range<Int> {
    guard let entry = entries[root + name] else {
      throw CheckpointError("\(file.path): \(name) is missing in it; fetch it again")
    }
    guard let range = entry else {
      throw CheckpointError(
        "\(file.path): \(name) in it is compressed or encrypted, which PyTorch never does; save "
          + "it again")
    }
    return range
  }

  /// The tensor as it lies in the file; every number of it is held to its storage first.
  func stored(_ tensor: PickledTensor, named name: String) throws(CheckpointError) -> StoredTensor {
    func refuse(_ reason: String) -> CheckpointError {
      CheckpointError("\(file.path): tensor \"\(name)\": \(reason)")
    }
    let (storage, shape) = (tensor.storage, tensor.shape)
    let size = storage.type.size
    let range = try range("data/\(storage.key)")
    guard storage.count >= 0, product([storage.count, size]) == range.count else {
      throw refuse(
        "its storage has \(range.count) bytes, which are not \(storage.count) of \(size)")
    }
    guard shape.allSatisfy({ $0 >= 0 }), shape.count == tensor.strides.count,
      let count = product(shape)
    else { throw refuse("its shape \(shape) is none") }
    guard 0...storage.count ~= tensor.offset, count <= storage.count - tensor.offset else {
      throw refuse("\(shape) from \(tensor.offset) lies outside its \(storage.count) numbers")
    }
    guard Self.isRowMajor(shape, tensor.strides) else {
      throw refuse(
        "its numbers do not lie row by row (strides \(tensor.strides)); save it .contiguous()")
    }
    let start = range.lowerBound + tensor.offset * size
    return StoredTensor(
      type: storage.type, shape: shape, file: file, range: start..<start + count * size)
  }

  /// As PyTorch's `is_contiguous`: a dimension of one row may have any stride.
  private static func isRowMajor(_ shape: [Int], _ strides: [Int]) -> Bool {
    guard !shape.contains(0) else { return true }
    // No product overflows: that of the whole shape did not.
    var step = 1
    for (rows, stride) in zip(shape, strides).reversed() where rows > 1 {
      guard stride == step else { return false }
      step *= rows
    }
    return true
  }
}
