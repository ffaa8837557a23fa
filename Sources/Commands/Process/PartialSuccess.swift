import ArgumentParser
import Files

/// How a command on many files ends: with exit code 0 if all of it was done, 1 if nothing was, and 3 if it was
/// done in part.
enum PartialSuccess {
  static let exitCode = ExitCode(3)

  /// Returns if nothing failed; else says how much did, and ends the command.
  /// - Parameters:
  ///   - failed: How many of `total` failed.
  ///   - consequence: What became of them, as in "could not be captioned".
  static func end(failed: Int, of total: Int, _ noun: String = "picture", _ consequence: String)
    throws
  {
    guard failed > 0 else { return }
    guard failed < total else {
      throw CommandFailure(
        total == 1 ? "the \(noun) \(consequence)" : "none of the \(total) \(noun)s \(consequence)")
    }
    Console.note("\(failed) of \(counted(total, noun)) \(consequence)")
    throw exitCode
  }
}
