internal import Glibc

/// Bytes that never change, from an address that is a multiple of 64 on: memory of one's own or a
/// file mapped into memory. Shared by the matrices that lie in it, and freed with the last of them.
public final class PackedRegion: @unchecked Sendable {
  /// The file that is mapped; nil where the memory is one's own.
  public let path: String?
  /// How many bytes there are.
  public var byteCount: Int { bytes.count }
  private let bytes: UnsafeRawBufferPointer

  /// Maps a file, which nobody may write to or shorten from now on (it may be replaced or deleted).
  /// Throws where it cannot be read or is empty.
  public init(mapping path: String) throws(PackedMatrixError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw PackedMatrixError(path, "cannot be read: \(systemMessage())") }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
      throw PackedMatrixError(path, "is not a file with something in it")
    }
    let start = mmap(nil, status.st_size, PROT_READ, MAP_PRIVATE, file, 0)
    guard let start, start != MAP_FAILED else {
      throw PackedMatrixError(path, "cannot be mapped: \(systemMessage())")
    }
    self.path = path
    bytes = UnsafeRawBufferPointer(start: start, count: status.st_size)
  }

  /// Memory of its own, zeros until `fill` has written it.
  init(byteCount: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
    precondition(byteCount > 0)
    guard let start = aligned_alloc(64, (byteCount + 63) / 64 * 64) else {
      fatalError("no memory left for a matrix of \(byteCount) bytes")
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

  /// Lends the bytes of a range, which must be inside.
  public func withBytes<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
  }
}

/// Why packed numbers could not be used; the text names the file.
public struct PackedMatrixError: Error, Equatable, CustomStringConvertible {
  /// One line for the person at the terminal.
  public let description: String

  init(_ path: String, _ problem: String) { description = "\(path): \(problem)" }
}

private func systemMessage() -> String { String(cString: strerror(errno)) }
