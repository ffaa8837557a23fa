import Glibc

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

  fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch content {
    case .floats(let floats): floats.withUnsafeBytes(body)
    case .bytes(_, let bytes): bytes.withUnsafeBytes(body)
    case .stored(let tensor): tensor.withBytes(body)
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

  let file = try ReplacedFile(path)
  withUnsafeBytes(of: UInt64(header.count).littleEndian) { file.write($0) }
  header.withUnsafeBytes { file.write($0) }
  for tensor in tensors {
    tensor.withBytes { file.write($0) }
    if case .stored(let tensor) = tensor.content { tensor.file.release(tensor.range) }
  }
  try file.commit()
}

/// Writes a small file in the same way.
package func replaceFile(_ path: String, with bytes: [UInt8]) throws(CheckpointError) {
  let file = try ReplacedFile(path)
  bytes.withUnsafeBytes { file.write($0) }
  try file.commit()
}

/// A file that is written beside its place and then takes it.
private final class ReplacedFile {
  private let path, temporary: String
  private let descriptor: Int32
  private var refused: Int32?
  private var isCommitted = false

  init(_ path: String) throws(CheckpointError) {
    self.path = path
    temporary = "\(path).tmp"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
  }

  deinit {
    close(descriptor)
    if !isCommitted { unlink(temporary) }
  }

  /// Appends bytes. Where that fails nothing more is written, and `commit` says why.
  func write(_ bytes: UnsafeRawBufferPointer) {
    var done = 0
    while refused == nil, done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if written < 0 && errno == EINTR { continue }
      if written <= 0 { refused = errno } else { done += written }
    }
  }

  func commit() throws(CheckpointError) {
    if let refused { throw Self.failure(path, refused) }
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
      throw Self.failure(path, errno)
    }
    isCommitted = true
    // The name, too, should outlast a power cut; where the folder cannot be opened it will not.
    let folder = open(
      path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".", O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  private static func failure(_ path: String, _ code: Int32) -> CheckpointError {
    CheckpointError("\(path): cannot be written: \(String(cString: strerror(code)))")
  }
}
