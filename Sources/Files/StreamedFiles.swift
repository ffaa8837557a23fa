internal import Glibc

/// A regular file that is read in pieces, so that its size costs no memory.
package final class InputFile: Sendable {
  package let path: String
  /// Bytes, when it was opened.
  package let size: Int
  private let descriptor: Int32

  /// Opens a regular file.
  package init(_ path: String) throws(PathError) {
    // Not blocking: opening a pipe without a writer must not wait forever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw .system(path)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw PathError(path, "not a regular file")
    }
    (self.path, self.descriptor, size) = (path, descriptor, Int(status.st_size))
  }

  deinit { close(descriptor) }

  /// The bytes of a range; one that the file no longer has is an error.
  package func read(_ range: Range<Int>) throws(PathError) -> [UInt8] {
    let bytes: [UInt8]
    do throws(FileError) { bytes = try FileSystem.read(descriptor, range) } catch {
      throw PathError(path, "cannot be read: \(error)")
    }
    guard bytes.count == range.count else {
      throw PathError(path, "cannot be read: cut short while it was read")
    }
    return bytes
  }
}

/// The lines of a text file, of which only a piece is in memory.
package struct LineReader {
  /// A line of metadata has some hundred bytes; this is a bound, not an aim.
  package static let longestLine = 4 << 20
  private static let piece = 1 << 20

  package let path: String
  /// The number of the last line given, from 1.
  package private(set) var line = 0
  private let file: InputFile
  private var offset = 0
  private var buffer: ArraySlice<UInt8> = []

  package init(_ path: String) throws(PathError) {
    self.path = path
    file = try InputFile(path)
  }

  /// The next line that is not blank; nil at the end.
  package mutating func next() throws(PathError) -> ArraySlice<UInt8>? {
    while let line = try nextLine() {
      if !line.allSatisfy(\.isWhiteSpace) { return line }
    }
    return nil
  }

  private mutating func nextLine() throws(PathError) -> ArraySlice<UInt8>? {
    var searched = 0
    while true {
      if let end = buffer.dropFirst(searched).firstIndex(of: .newline) {
        defer { buffer = buffer[(end + 1)...] }
        line += 1
        return buffer[..<end]
      }
      searched = buffer.count
      guard searched <= Self.longestLine else {
        throw PathError(
          path,
          "line \(line + 1) has more than \(Self.longestLine) bytes; "
            + "write one object a line")
      }
      guard offset < file.size else {
        guard !buffer.isEmpty else { return nil }
        defer { buffer = [] }
        line += 1
        return buffer
      }
      let end = min(file.size, offset + Self.piece)
      buffer = Array(buffer)[...] + (try file.read(offset..<end))
      offset = end
    }
  }
}

/// A new file that is written in pieces.
package final class OutputFile {
  private static let piece = 1 << 20
  private let path: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  package init(_ path: String) throws(PathError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .unwritable(path) }
  }

  deinit { close(descriptor) }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws(PathError) {
    buffer += bytes
    if buffer.count >= Self.piece { try flush() }
  }

  /// Brings all that was written to the disk.
  package func finish() throws(PathError) {
    try flush()
    guard fsync(descriptor) == 0 else { throw .unwritable(path) }
  }

  private func flush() throws(PathError) {
    do throws(FileError) {
      try FileSystem.write(buffer, to: descriptor)
    } catch { throw PathError(path, "cannot be written: \(error)") }
    buffer.removeAll(keepingCapacity: true)
  }
}
