internal import Glibc

/// Immutable bytes, aligned to 64: allocated memory or a mapped file. Shared by the matrices in it, and
/// freed with the last of them.
public final class PackedRegion: @unchecked Sendable {
  /// The mapped file; nil for allocated memory.
  public let path: String?
  /// The size in bytes.
  public var byteCount: Int { bytes.count }
  private let bytes: UnsafeRawBufferPointer

  /// Maps a file, which must not be modified or truncated from now on (it may be replaced or
  /// deleted). Throws if it cannot be read or is empty.
  public init(mapping path: String) throws(PackedMatrixError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw PackedMatrixError(path, "cannot be read: \(systemMessage())") }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
      throw PackedMatrixError(path, "is empty or not a regular file")
    }
    let start = mmap(nil, status.st_size, PROT_READ, MAP_PRIVATE, file, 0)
    guard let start, start != MAP_FAILED else {
      throw PackedMatrixError(path, "cannot be mapped: \(systemMessage())")
    }
    self.path = path
    bytes = UnsafeRawBufferPointer(start: start, count: status.st_size)
  }

  /// Newly allocated memory, zero until `fill` writes it.
  init(byteCount: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
    precondition(byteCount > 0)
    guard let start = aligned_alloc(64, (byteCount + 63) / 64 * 64) else {
      fatalError("out of memory for a matrix of \(byteCount) bytes")
    }
    memset(start, 0, byteCount)
    fill(start)
    path = nil
    bytes = UnsafeRawBufferPointer(start: start, count: byteCount)
  }

  deinit {
    guard let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress) else { return }
    if path == nil { free(start) } else { munmap(start, bytes.count) }
  }

  /// Calls `body` with the bytes of a range, which must be within the region.
  public func withBytes<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
  }
}

/// Why packed weights could not be used; the text names the file.
public struct PackedMatrixError: Error, Equatable, CustomStringConvertible {
  /// One line for the user.
  public let description: String

  init(_ path: String, _ problem: String) { description = "\(path): \(problem)" }
}

private func systemMessage() -> String { String(cString: strerror(errno)) }
