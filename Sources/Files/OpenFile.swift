internal import CFileSystem
import Glibc

/// A file that is open for reading; it is closed with the value.
package struct OpenFile: ~Copyable, Sendable {
  private let descriptor: Int32
  /// Its status when it was opened.
  package let status: FileStatus

  /// Opens a regular file by a path relative to a folder, which it must not leave: not by "..", nor by a symbolic
  /// link (openat2 with RESOLVE_BENEATH), whatever was put in the path's place meanwhile.
  package init(_ path: [UInt8], beneath folder: [UInt8]) throws(FileError) {
    guard !path.isEmpty, !path.contains(0) else { throw .system(ENOENT) }
    let root = FileSystem.withCPath(folder) { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard root >= 0 else { throw .system(errno) }
    defer { close(root) }
    let file = FileSystem.withCPath(path) { open_beneath(root, $0) }
    guard file >= 0 else { throw .system(errno) }
    do throws(FileError) { status = try Self.statusOfFile(file) } catch {
      close(file)
      throw error
    }
    descriptor = file
  }

  deinit { close(descriptor) }

  private static func statusOfFile(_ descriptor: Int32) throws(FileError) -> FileStatus {
    let status = try FileStatus(ofDescriptor: descriptor)
    guard status.kind == .file else { throw .notAFile }
    return status
  }

  /// The bytes of a range, fewer where the file ends.
  package func read(_ range: Range<Int>) throws(FileError) -> [UInt8] {
    try FileSystem.read(descriptor, range)
  }
}
