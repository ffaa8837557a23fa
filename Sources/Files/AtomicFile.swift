import Glibc

/// A file that appears complete or not at all: written next to its final place, flushed to disk, then
/// renamed.
/// What was there before stays where writing fails.
package final class AtomicFile {
  private let path: String
  private let temporary: String
  private let descriptor: Int32
  private var isCommitted = false

  /// Creates the temporary file beside `path`. A symbolic link is followed; anything there that is not a
  /// regular file is an error.
  /// - Parameter mode: The file's permissions, less the process's mask.
  package init(_ path: String, mode: UInt32 = 0o666) throws(PathError) {
    var target = path
    if let resolved = realpath(path, nil) {
      target = String(cString: resolved)
      free(resolved)
    }
    var facts = stat()
    if stat(target, &facts) == 0, facts.st_mode & S_IFMT != S_IFREG {
      throw PathError(path, "not a file; name one to write to")
    }
    temporary = "\(target).\(getpid()).tmp"
    // What a killed process of the same number left half-written is of no use.
    unlink(temporary)
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw .unwritable(path) }
    self.path = target
  }

  deinit {
    close(descriptor)
    if !isCommitted { unlink(temporary) }
  }

  /// Appends bytes.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(PathError) {
    do throws(FileError) { try FileSystem.write(bytes, to: descriptor) } catch {
      throw PathError(path, "cannot be written: \(error)")
    }
  }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws(PathError) {
    do throws(FileError) { try FileSystem.write(bytes, to: descriptor) } catch {
      throw PathError(path, "cannot be written: \(error)")
    }
  }

  /// Appends text.
  package func write(_ text: String) throws(PathError) { try write(Array(text.utf8)) }

  /// Puts the file in its place.
  package func commit() throws(PathError) {
    guard fsync(descriptor) == 0 else { throw .unwritable(path) }
    do throws(FileError) { try FileSystem.rename(temporary, to: path) } catch {
      throw PathError(path, "cannot be written: \(error)")
    }
    isCommitted = true
  }

  /// Writes a small file.
  package static func write(_ bytes: [UInt8], to path: String) throws(PathError) {
    let file = try AtomicFile(path)
    try file.write(bytes)
    try file.commit()
  }
}
