internal import Glibc
internal import Tensors

/// Writes a file of packed parameters under a temporary name, and renames it when it is complete:
/// meanwhile readers find the old one or none.
final class PackedFileWriter: ParameterVisitor {
  private let path, temporary: String
  private let descriptor: Int32
  private let entries: [PackedFileLayout.Entry]
  private var next = 0
  private var written = 0
  private var isCommitted = false

  /// Starts the file with the header of a layout.
  init(path: String, layout: PackedFileLayout) throws {
    self.path = path
    temporary = "\(path).\(getpid()).tmp"
    entries = layout.entries
    // An incomplete file of a killed process with the same id is useless.
    unlink(temporary)
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure }
    try layout.head.withUnsafeBytes(write)
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    if !isCommitted { unlink(temporary) }
  }

  func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) throws {
    try values.withUnsafeBytes(append)
  }

  func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) throws {
    try matrix.withPackedBytes(append)
  }

  /// Renames the file, once its data is on the disk: a file that has its name is complete.
  func commit() throws(BLIPError) {
    guard next == entries.count, fsync(descriptor) == 0, rename(temporary, path) == 0 else {
      throw failure
    }
    isCommitted = true
  }

  /// Writes the next parameter, after padding up to its offset.
  private func append(_ bytes: UnsafeRawBufferPointer) throws {
    precondition(next < entries.count && bytes.count == entries[next].count)
    let gap = [UInt8](repeating: 0, count: entries[next].offset - written)
    try gap.withUnsafeBytes(write)
    try write(bytes)
    next += 1
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    written += bytes.count
  }

  private var failure: BLIPError {
    BLIPError("\(path): cannot be written: \(String(cString: strerror(errno)))")
  }
}
