import Glibc

// Reading and writing by descriptor. A system call may do less than it was asked for, or be
// interrupted before it did anything; these continue until all is done.
extension FileSystem {
  /// Writes all bytes, behind what was written last or at an offset.
  package static func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int? = nil
  ) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let written =
        if let offset {
          pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
        } else { Glibc.write(descriptor, rest.baseAddress, rest.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw .system(written == 0 ? EIO : errno) }
      done += written
    }
  }

  /// Writes all bytes behind what was written last.
  package static func write(_ bytes: [UInt8], to descriptor: Int32) throws(FileError) {
    try bytes.withUnsafeBufferPointer { bytes throws(FileError) in
      try write(UnsafeRawBufferPointer(bytes), to: descriptor)
    }
  }

  /// Fills a buffer from an offset on; the number of bytes read, which are fewer where the file ends.
  package static func read(
    into buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32, at offset: Int
  ) throws(FileError) -> Int {
    var done = 0
    while done < buffer.count {
      let got = pread(
        descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw .system(errno) }
      if got == 0 { break }
      done += got
    }
    return done
  }

  /// The bytes of a range, fewer where the file ends.
  package static func read(_ descriptor: Int32, _ range: Range<Int>) throws(FileError) -> [UInt8] {
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      do throws(FileError) {
        count = try read(
          into: UnsafeMutableRawBufferPointer(buffer), from: descriptor, at: range.lowerBound)
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Who may have a lock beside the one who takes it.
  package enum LockKind: Sendable { case shared, exclusive }

  /// Takes the lock (`flock`) of an open file or folder; false where another process has it and this one
  /// does not wait. It ends with the descriptor, and so with the process.
  package static func lock(
    _ descriptor: Int32, _ kind: LockKind = .exclusive, waits: Bool = false
  ) throws(FileError) -> Bool {
    let operation = (kind == .shared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)
    while flock(descriptor, operation) != 0 {
      if errno == EWOULDBLOCK { return false }
      guard errno == EINTR else { throw .system(errno) }
    }
    return true
  }

  /// Gives a file or folder a name, in place of what has it, in one step that outlasts a power cut.
  package static func rename(_ path: String, to name: String) throws(FileError) {
    guard Glibc.rename(path, name) == 0 else { throw .system(errno) }
    // Where the folder cannot be opened, only its name may be the old one after a power cut.
    let folder = open(
      name.lastIndex(of: "/").map { String(name[...$0]) } ?? ".", O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }
}
