import Glibc

/// The line that a crash leaves behind; it is written once, before any signal can come, and stays.
nonisolated(unsafe) private var line = UnsafeRawBufferPointer(start: nil, count: 0)

/// LMDB trusts what lies in its pages. Where they are damaged it asks for memory behind the end of the
/// file, or gives up by `abort`, and with it the process: this says why, in one line, before it ends.
/// What is above LMDB (records, blocks, embeddings) checks itself and never comes here.
enum DamagedIndex {
  /// From now on the index at `path` is read.
  static func reportCrashes(of path: String) {
    let text =
      "blip: \(path): data.mdb is damaged: take a copy that is sound, or delete the folder and index "
      + "again with `blip index`\n"
    let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
    _ = bytes.initialize(from: text.utf8)
    line = UnsafeRawBufferPointer(bytes)
    for number in [SIGSEGV, SIGBUS, SIGABRT] {
      signal(number) { _ in
        _ = write(STDERR_FILENO, line.baseAddress, line.count)
        _exit(1)
      }
    }
  }
}
