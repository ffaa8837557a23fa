import Glibc
import Synchronization

/// Ctrl-C and SIGTERM as a wish to stop soon; a second one ends the process at once.
enum Interruption {
  private static let received = Atomic<Int32>(0)

  /// The signal that came, if one did.
  static var signal: Int32? {
    let number = received.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }

  /// From here on SIGINT and SIGTERM only set ``signal``.
  static func watch() {
    // Read once here, so that the handler never is the first to touch it.
    _ = signal
    for number in [SIGINT, SIGTERM] {
      // Only what POSIX allows in a handler: an atomic, write and _exit.
      Glibc.signal(number) { number in
        if Interruption.received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
        let note: StaticString =
          "\nblip: stopping after the batch in flight (once more: at once)\n"
        let saved = errno
        _ = write(STDERR_FILENO, note.utf8Start, note.utf8CodeUnitCount)
        errno = saved
      }
    }
  }
}
