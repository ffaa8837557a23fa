import Glibc

/// What `stat` says of a path.
package struct FileStatus: Equatable, Sendable {
  package enum Kind: Sendable { case file, folder, other }
  package let kind: Kind
  package let size: UInt64
  /// Nanoseconds since 1970.
  package let modified: Int64
  /// Which file or folder it is, whatever its path.
  package let identity: Identity

  /// What a file system knows a file or folder by.
  package struct Identity: Hashable, Sendable {
    let device, inode: UInt64
  }

  /// The status of an open file.
  init(ofDescriptor descriptor: Int32) throws(FileError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(errno) }
    self.init(status)
  }

  fileprivate init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      default: .other
      }
    identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    size = UInt64(max(0, status.st_size))
    modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
  }
}

/// An entry of a folder, as `readdir` gives it.
package struct FolderEntry {
  package enum Kind { case file, folder, symbolicLink, unknown, other }
  package let name: [UInt8]
  package let kind: Kind
}

/// The file system by paths of bytes: names need not be UTF-8.
package enum FileSystem {
  /// The status of what a path leads to; of a symbolic link itself where `follow` is false.
  package static func status(_ path: [UInt8], follow: Bool = true) throws(FileError) -> FileStatus {
    var status = stat()
    let flags = follow ? 0 : AT_SYMLINK_NOFOLLOW
    let failed = withCPath(path) { fstatat(AT_FDCWD, $0, &status, flags) }
    guard failed == 0 else { throw .system(errno) }
    return FileStatus(status)
  }

  /// The entries of a folder but for `.` and `..`, in no order.
  package static func entries(ofFolder path: [UInt8]) throws(FileError) -> [FolderEntry] {
    guard let folder = withCPath(path, { opendir($0) }) else { throw .system(errno) }
    defer { closedir(folder) }
    var entries: [FolderEntry] = []
    while true {
      errno = 0
      guard let entry = readdir(folder) else {
        if errno != 0 { throw .system(errno) }
        return entries
      }
      let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
      let start = UnsafeRawPointer(entry).advanced(by: offset)
      let length = strlen(start.assumingMemoryBound(to: CChar.self))
      let name = [UInt8](UnsafeRawBufferPointer(start: start, count: length))
      if name == [.dot] || name == [.dot, .dot] { continue }
      let kind: FolderEntry.Kind =
        switch Int(entry.pointee.d_type) {
        case Int(DT_REG): .file
        case Int(DT_DIR): .folder
        case Int(DT_LNK): .symbolicLink
        case Int(DT_UNKNOWN): .unknown
        default: .other
        }
      entries.append(FolderEntry(name: name, kind: kind))
    }
  }

  /// The bytes of a regular file, and its status when it was opened. A file over `limit` bytes is
  /// an error or, where `truncate` is true, read up to the limit.
  package static func read(_ path: [UInt8], limit: Int, truncate: Bool = false) throws(FileError)
    -> (
      bytes: [UInt8], status: FileStatus
    )
  {
    // Not blocking: opening a pipe without a writer must not wait forever.
    let file = withCPath(path) { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard file >= 0 else { throw .system(errno) }
    defer { close(file) }
    let status = try FileStatus(ofDescriptor: file)
    guard status.kind == .file else { throw .notAFile }
    guard truncate || status.size <= UInt64(limit) else {
      throw .tooLarge(status.size, limit: limit)
    }
    return (try read(file, 0..<Int(min(status.size, UInt64(limit)))), status)
  }

  /// The same of a file that did not change while it was read: one that does is read again, and is an error
  /// if it goes on changing.
  package static func readUnchanging(_ path: [UInt8], limit: Int) throws(FileError) -> (
    bytes: [UInt8], status: FileStatus
  ) {
    for attempt in 0..<3 {
      if attempt > 0 { usleep(50_000) }
      let (bytes, before) = try read(path, limit: limit)
      let after = try status(path)
      if after == before, bytes.count == Int(clamping: before.size) { return (bytes, before) }
    }
    throw .changing
  }

  /// What a file of /proc says, which has no size; nothing where it cannot be read.
  package static func stream(_ path: String) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    return (try? readToEnd(file, limit: 1 << 24)) ?? []
  }

  /// What a pipe, or another file without a size, says to its end. More than `limit` bytes are an error.
  package static func readToEnd(_ descriptor: Int32, limit: Int) throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let got = Glibc.read(descriptor, &buffer, buffer.count)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw .system(errno) }
      if got == 0 { return bytes }
      bytes += buffer[..<got]
      guard bytes.count <= limit else { throw .tooLarge(UInt64(bytes.count), limit: limit) }
    }
  }

  /// Throws where this process may not read a file.
  package static func requireReadable(_ path: [UInt8]) throws(FileError) {
    if withCPath(path, { access($0, R_OK) }) != 0 { throw .system(errno) }
  }

  /// The absolute path without symbolic links that a path leads to.
  package static func resolved(_ path: [UInt8]) throws(FileError) -> [UInt8] {
    guard let resolved = withCPath(path, { realpath($0, nil) }) else { throw .system(errno) }
    defer { free(resolved) }
    return [UInt8](UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
  }

  /// Makes a file that was not there; removes it again where it cannot be written whole.
  package static func create(_ path: [UInt8], holding bytes: [UInt8]) throws(FileError) {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
    let file = withCPath(path) { open($0, flags, 0o666) }
    guard file >= 0 else { throw .system(errno) }
    defer { close(file) }
    do throws(FileError) {
      try write(bytes, to: file)
      guard fsync(file) == 0 else { throw .system(errno) }
    } catch {
      remove(path)
      throw error
    }
  }

  /// Makes a folder where there is none.
  package static func makeFolder(_ path: [UInt8]) throws(FileError) {
    let failed = withCPath(path) { mkdir($0, 0o755) }
    guard failed == 0 || errno == EEXIST else { throw .system(errno) }
  }

  /// Removes a file; nothing happens where there is none.
  package static func remove(_ path: [UInt8]) {
    _ = withCPath(path) { unlink($0) }
  }

  /// Gives a file another name as well; false where that name is taken.
  package static func link(_ path: [UInt8], to name: [UInt8]) throws(FileError) -> Bool {
    let failed = withCPath(path) { path in withCPath(name) { Glibc.link(path, $0) } }
    if failed != 0, errno == EEXIST { return false }
    guard failed == 0 else { throw .system(errno) }
    return true
  }

  /// Seconds since 1970.
  package static var now: Int64 { Int64(time(nil)) }

  static func withCPath<Result>(
    _ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result
  ) -> Result {
    (path + [0]).withUnsafeBytes { body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
  }
}
