import Glibc

/// Says when something changes in folders and their subfolders, by Linux's inotify. Hidden folders are left out.
package final class FolderWatch {
  private let descriptor: Int32
  private let folders: [[UInt8]]

  private static let events = UInt32(
    IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF
      | IN_MOVE_SELF | IN_ONLYDIR)

  /// Begins to watch. Where the system lets nobody watch so many folders, the error is `ENOSPC`.
  package init(_ folders: [[UInt8]]) throws(FileError) {
    self.folders = folders
    descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
    guard descriptor >= 0 else { throw .system(errno) }
    try watchAll()
  }

  deinit { close(descriptor) }

  /// Waits until something has changed; false where nothing did within so many milliseconds.
  package func waitForChange(milliseconds: Int32) throws(FileError) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&request, 1, milliseconds) > 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: 65536)
    while read(descriptor, &buffer, buffer.count) > 0 {}
    // What was made meanwhile may be folders; a folder that is watched already stays so.
    try watchAll()
    return true
  }

  private func watchAll() throws(FileError) {
    var rest = folders
    while let folder = rest.popLast() {
      let watch = FileSystem.withCPath(folder) { inotify_add_watch(descriptor, $0, Self.events) }
      guard watch >= 0 else {
        // Gone, or not to be looked at.
        if [ENOENT, ENOTDIR, EACCES].contains(errno) { continue }
        throw .system(errno)
      }
      guard let entries = try? FileSystem.entries(ofFolder: folder) else { continue }
      for entry in entries where entry.kind == .folder && entry.name.first != .dot {
        rest.append(joined(folder, entry.name))
      }
    }
  }
}
