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
    var action = sigaction()
    // Only what POSIX allows in a handler: an atomic, write and _exit.
    action.__sigaction_handler.sa_handler = { number in
      if Interruption.received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
      let note: StaticString = "\nblip: stopping after the batch in flight (once more: at once)\n"
      let saved = errno
      _ = write(STDERR_FILENO, note.utf8Start, note.utf8CodeUnitCount)
      errno = saved
    }
    // The second signal gets through although the first one's note may still wait for a terminal
    // that takes nothing; interrupted reads and writes go on.
    action.sa_flags = SA_NODEFER | SA_RESTART
    for number in [SIGINT, SIGTERM] { sigaction(number, &action, nil) }
  }
}
