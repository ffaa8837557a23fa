internal import Files
internal import Tensors

/// Writes a file of packed parameters under a temporary name, and renames it when it is complete:
/// meanwhile readers find the old one or none.
final class PackedFileWriter: ParameterVisitor {
  private let file: AtomicFile
  private let entries: [PackedFileLayout.Entry]
  private var next = 0
  private var written = 0

  /// Starts the file with the header of a layout.
  init(path: String, layout: PackedFileLayout) throws {
    entries = layout.entries
    file = try AtomicFile(path, mode: 0o600)
    try layout.head.withUnsafeBytes(write)
  }

  func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) throws {
    try values.withUnsafeBytes(append)
  }

  func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) throws {
    try matrix.withPackedBytes(append)
  }

  /// Renames the file, once its data is on the disk: a file that has its name is complete.
  func commit() throws {
    precondition(next == entries.count, "a parameter is missing")
    try file.commit()
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
    try file.write(bytes)
    written += bytes.count
  }
}
