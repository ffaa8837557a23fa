import Glibc

/// A file's bytes, mapped read-only and private for the lifetime of the value.
///
/// The size is that at the time of opening. If another process truncates the file while it is
/// mapped, reading the missing pages raises SIGBUS, which cannot be prevented here: replace a
/// model's files by renaming new ones over them, never in place.
package final class MappedFile: Sendable {
  /// The file's path.
  package let path: String
  /// The size in bytes.
  package let count: Int
  fileprivate nonisolated(unsafe) let start: UnsafeRawPointer
  /// Whether dropped pages can be read again from a file.
  fileprivate let isFile: Bool

  /// Maps a file; throws if it is empty.
  package init(path: String) throws(CheckpointError) {
    let (descriptor, size) = try openRegularFile(path)
    defer { close(descriptor) }
    guard size > 0 else { throw CheckpointError("\(path): the file is empty; fetch it again") }
    let map = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let map, map != MAP_FAILED else {
      throw CheckpointError("\(path): cannot be mapped: \(systemMessage())")
    }
    self.path = path
    self.count = size
    self.start = UnsafeRawPointer(map)
    self.isFile = true
  }

  /// Anonymous memory for values computed from a file, whose path is used in messages.
  init(inPlaceOf path: String, holding floats: [Float]) throws(CheckpointError) {
    let size = floats.count * MemoryLayout<Float>.size
    let map = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let map, map != MAP_FAILED else {
      throw CheckpointError("\(path): cannot allocate \(size) bytes for it: \(systemMessage())")
    }
    floats.withUnsafeBytes { map.copyMemory(from: $0.baseAddress!, byteCount: size) }
    self.path = path
    self.count = size
    self.start = UnsafeRawPointer(map)
    self.isFile = false
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: start), count) }

  /// Passes the bytes of `range` to `body`.
  package func withBytes<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside \(path)")
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count))
  }
}

extension MappedFile {
  /// Tells the system that the pages of a range will not be needed soon, so that they no longer
  /// count towards this process's memory. A later read maps them again.
  package func release(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside \(path)")
    guard isFile else { return }
    let first = range.lowerBound / pageSize * pageSize
    madvise(
      UnsafeMutableRawPointer(mutating: start + first), range.upperBound - first, MADV_DONTNEED)
  }
}

private let pageSize = sysconf(Int32(_SC_PAGESIZE))

/// The contents of a file of at most `limit` bytes; throws if it is larger.
func readFile(_ path: String, limit: Int) throws(CheckpointError) -> [UInt8] {
  let (descriptor, size) = try openRegularFile(path)
  defer { close(descriptor) }
  guard size <= limit else {
    throw CheckpointError("\(path): it has \(size) bytes; at most \(limit) are expected")
  }
  var filled = 0
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
    while filled < size {
      let got = read(descriptor, buffer.baseAddress.map { $0 + filled }, size - filled)
      if got < 0 && errno == EINTR { continue }
      if got <= 0 { break }
      filled += got
    }
    initialized = filled
  }
  guard filled == size else { throw CheckpointError("\(path): cannot be read to its end") }
  return bytes
}

func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// Whether a path is a folder or does not exist.
func isFolder(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFDIR
}

private func openRegularFile(_ path: String) throws(CheckpointError) -> (Int32, size: Int) {
  // Non-blocking, so as not to wait for a writer if the path is a FIFO.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else {
    throw CheckpointError("\(path): cannot be opened: \(systemMessage())")
  }
  var status = stat()
  guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
    close(descriptor)
    throw CheckpointError("\(path): not a regular file")
  }
  return (descriptor, Int(status.st_size))
}

private func systemMessage() -> String { String(cString: strerror(errno)) }
