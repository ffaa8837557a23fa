package import FoundationEssentials
internal import Glibc

/// A file that grows line by line; an interrupted run continues after the last complete line.
package final class JSONLinesLog {
  private let path: String
  private let descriptor: Int32

  /// Largest file that is gone on with.
  private static let maximumBytes = 1 << 30

  /// Opens the file, or makes it.
  /// - Parameters:
  ///   - writer: The command that writes such files.
  ///   - isOurs: Takes a whole line up; false where `writer` has not written it. What it throws names
  ///     the line.
  package init(
    _ path: String, writer: String, isOurs: (Data, _ number: Int) throws(PathError) -> Bool
  ) throws(PathError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileSystem.read(Array(path.utf8), limit: Self.maximumBytes).bytes
    } catch .system(ENOENT) {
      bytes = []
    } catch { throw PathError(path, "\(error); name a file to write to") }
    let whole = bytes.lastIndex(of: .newline).map { $0 + 1 } ?? 0
    for (number, line) in bytes[..<whole].split(separator: .newline).enumerated() {
      guard try isOurs(Data(line), number + 1) else {
        throw PathError(
          "\(path), line \(number + 1)", "not what \(writer) writes; name another file")
      }
    }
    // Without a whole line it may be anything.
    guard whole > 0 || bytes.isEmpty || bytes.first == UInt8(ascii: "{") else {
      throw PathError(path, "not what \(writer) writes; name another file")
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0, ftruncate(descriptor, whole) == 0,
      lseek(descriptor, whole, SEEK_SET) >= 0
    else {
      let reason = String(cString: strerror(errno))
      if descriptor >= 0 { close(descriptor) }
      throw PathError(path, "cannot be written: \(reason)")
    }
    (self.path, self.descriptor) = (path, descriptor)
  }

  deinit { close(descriptor) }

  /// Adds a line.
  package func append(_ line: String) throws(PathError) {
    do throws(FileError) {
      try FileSystem.write(Array(line.utf8) + [.newline], to: descriptor)
    } catch { throw PathError(path, "cannot be written: \(error)") }
  }
}
