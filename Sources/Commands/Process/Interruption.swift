import ArgumentParser
import Glibc
import Synchronization

/// Ctrl-C and SIGTERM as a request to stop soon; a second one ends the process at once.
enum Interruption {
  private static let received = Atomic<Int32>(0)

  /// The signal received, if any.
  static var signal: Int32? {
    let number = received.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }

  /// Whether a signal was received.
  @Sendable static func isRequested() -> Bool { signal != nil }

  /// Runs `body` in a task that is cancelled once a signal is received.
  static func cancelling<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let work = Task(operation: body)
    let watch = Task {
      while !isRequested() { try await Task.sleep(for: .milliseconds(50)) }
      work.cancel()
    }
    defer { watch.cancel() }
    return try await work.value
  }

  /// Cancels the current task if a signal was received. In a loop over events this stops the work at the
  /// event, where ``cancelling(_:)`` alone would a little later.
  static func cancelIfRequested() {
    if isRequested() { withUnsafeCurrentTask { $0?.cancel() } }
  }

  /// What an interrupted command throws: says on standard error that it stopped, and what became of
  /// its work, and has it exit with 128 + the signal's number.
  static func stopped(_ consequence: String) -> ExitCode {
    Console.note("stopped; \(consequence)")
    return ExitCode(128 + (signal ?? SIGINT))
  }

  /// From now on SIGINT and SIGTERM only set ``signal``.
  static func watch() {
    // Initialised here, so that the handler is never the first to access it.
    _ = signal
    var action = sigaction()
    // Only what POSIX allows in a handler: an atomic, write and _exit.
    action.__sigaction_handler.sa_handler = { number in
      if Interruption.received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
      let note: StaticString =
        "\nblip: stopping after the current batch (interrupt again to stop now)\n"
      let saved = errno
      _ = write(STDERR_FILENO, note.utf8Start, note.utf8CodeUnitCount)
      errno = saved
    }
    // SA_NODEFER: the second signal gets through even if the first one's note is still blocked on a
    // terminal that accepts nothing. SA_RESTART: interrupted reads and writes are resumed.
    action.sa_flags = SA_NODEFER | SA_RESTART
    for number in [SIGINT, SIGTERM] { sigaction(number, &action, nil) }
  }
}
