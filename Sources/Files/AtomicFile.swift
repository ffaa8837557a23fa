import Glibc

/// A file that appears whole or not at all: written beside its place, then renamed.
package struct AtomicFile: ~Copyable {
  private let path: String
  private let temporary: String
  private let descriptor: Int32
  private var isCommitted = false

  private init(path: String, temporary: String, descriptor: Int32) {
    self.path = path
    self.temporary = temporary
    self.descriptor = descriptor
  }

  /// Creates the temporary file beside `path`. A symbolic link is followed; anything there that is
  /// not a regular file is an error.
  package static func create(_ path: String) throws(PathError) -> AtomicFile {
    var target = path
    if let resolved = realpath(path, nil) {
      target = String(cString: resolved)
      free(resolved)
    }
    var facts = stat()
    if stat(target, &facts) == 0, facts.st_mode & S_IFMT != S_IFREG {
      throw PathError(path, "not a file; name one to write to")
    }
    let temporary = "\(target).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .unwritable(path) }
    return AtomicFile(path: target, temporary: temporary, descriptor: descriptor)
  }

  deinit {
    close(descriptor)
    if !isCommitted { unlink(temporary) }
  }

  package func write(_ text: String) throws(PathError) {
    do throws(FileError) {
      try FileSystem.write(Array(text.utf8), to: descriptor)
    } catch { throw PathError(path, "cannot be written: \(error)") }
  }

  /// Puts the file in its place.
  package mutating func commit() throws(PathError) {
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw .unwritable(path) }
    isCommitted = true
  }
}
