import Files
import Glibc
import Synchronization

/// The line a crash prints. It is written once, before a handler can run, and never freed.
nonisolated(unsafe) private var line = UnsafeRawBufferPointer(start: nil, count: 0)

/// The line that says how to repair an index, if the process has one open.
private let repairCommand = Mutex<String?>(nil)

/// What a crash inside LMDB, or for want of memory, prints.
///
/// LMDB trusts the pages of its file. If they are damaged, it may read beyond the end of the file or
/// call `abort`, which ends the process; the report then says why in one line. Everything above LMDB
/// (records, blocks, embeddings) is checked by blip and never gets here.
enum CrashReport {
  /// How to repair the index whose crashes are reported.
  static var advice: String {
    repairCommand.withLock { $0 } ?? "run `blip check --repair` with the same index"
  }

  /// From now on, a crash of this process is reported as damage to the index at `path`, with exit
  /// code 1.
  static func install(forIndexAt path: String) {
    let command = "run `blip check --repair --index \(printable(path))`"
    repairCommand.withLock { $0 = command }
    let damage = "\(printable(path)): data.mdb is damaged; \(command)"
    let limit = ResourceLimits.addressSpace.map(outOfMemory)
    install(limit.map { "\($0); if that does not help, \(damage)" } ?? damage)
  }

  /// From now on, a crash of this process, which may have so many bytes of address space, is reported as want
  /// of it: the Swift runtime and the libraries end a process that gets no memory.
  static func install(forAddressSpace limit: Int) { install(outOfMemory(limit)) }

  private static func outOfMemory(_ limit: Int) -> String {
    "out of memory: this process may have \(limit >> 20) MiB of address space; raise the limit (ulimit -v)"
  }

  private static func install(_ text: String) {
    let text = "blip: \(text)\n"
    let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
    _ = bytes.initialize(from: text.utf8)
    line = UnsafeRawBufferPointer(bytes)
    for number in [SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGTRAP] {
      signal(number) { _ in
        _ = write(STDERR_FILENO, line.baseAddress, line.count)
        _exit(1)
      }
    }
  }
}
