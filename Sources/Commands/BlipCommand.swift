import ArgumentParser
import Glibc

/// The `blip` command: its verbs and exit codes.
public enum BlipCommand {
  /// Runs the command that the process's arguments name, and exits: with 0 on success (also without
  /// results), 1 on an error, after one line on standard error, 64 on wrong usage, and 128 + the
  /// signal's number if interrupted.
  public static func run() async {
    // If the reader of a pipe exits (`blip search … | head`), end quietly, even if the parent process
    // ignores the signal.
    signal(SIGPIPE, SIG_DFL)
    // Reaching the file size limit (ulimit -f) is then an error like a full disk.
    signal(SIGXFSZ, SIG_IGN)
    requireDescriptors()
    do {
      var command = try parsed(Array(CommandLine.arguments.dropFirst()))
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch { Blip.exit(withError: advised(error)) }
  }

  /// The command that the arguments name. Where they do not parse, the error says what was probably meant.
  private static func parsed(_ arguments: [String]) throws -> any ParsableCommand {
    // The parser would answer help on what is no command with the help of all.
    if arguments.first == "help",
      let advice = UsageAdvice.sentence(for: arguments, root: Blip.self, message: "")
    {
      throw ValidationError(advice)
    }
    do { return try Blip.parseAsRoot(arguments) } catch {
      guard Blip.exitCode(for: error) == .validationFailure,
        let advice = UsageAdvice.sentence(
          for: arguments, root: Blip.self, message: Blip.message(for: error))
      else { throw error }
      throw ValidationError(advice)
    }
  }

  /// Swift's runtime traps if it cannot open its own file descriptors; this reports it instead.
  private static func requireDescriptors() {
    let minimum = 8
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
      limit.rlim_cur < minimum
    else { return }
    Console.note(
      "Too many open files: the limit of this process is \(limit.rlim_cur), blip needs more "
        + "(ulimit -n 64)")
    exit(1)
  }
}

struct Blip: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blip",
    abstract: "Search pictures by text or by picture, and captions by picture.",
    discussion: """
      EXAMPLES
        blip index ~/Pictures
        blip search "a dog running on a beach"
        blip search ./holiday.jpg
        blip match ./holiday.jpg --text "a beach" --text "a mountain"

      Pictures and texts are encoded with BLIP on this machine. The results are stored in an \
      index, a directory that searches read.

      Without --index, the index directory is $BLIP_INDEX, else indexes/default in $BLIP_HOME, \
      $XDG_DATA_HOME/blip or ~/.local/share/blip.
      """,
    version: "0.1.0",
    subcommands: [
      IndexCommand.self, SearchCommand.self, DuplicatesCommand.self, MatchCommand.self,
      CaptionCommand.self, FilterCommand.self, CapFiltCommand.self, InfoCommand.self,
      CheckCommand.self, CompactCommand.self, ExportCommand.self, ImportCommand.self,
      TrainCommand.self, BenchCommand.self, ModelCommand.self, DecodeCommand.self,
    ])

  static let _errorLabel = "blip"
}

/// An error that ends a command with exit code 1. The text names the file and says what to do.
struct CommandFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
