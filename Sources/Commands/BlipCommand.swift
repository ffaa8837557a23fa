import ArgumentParser
import Dispatch
import Glibc

/// The `blip` command: its verbs and exit codes.
public enum BlipCommand {
  /// Runs the command that the process's arguments name, and exits: with 0 on success (also without
  /// results), 1 on an error, after one line on standard error, 3 if a part of the files failed
  /// (``PartialSuccess``), 64 on wrong usage, and 128 + the signal's number if interrupted.
  ///
  /// The limits of the process are checked before anything asynchronous begins: the runtime would wait for ever
  /// for a thread that it does not get.
  public static func main() -> Never {
    do throws(CommandFailure) { try ProcessLimits.require() } catch {
      Console.note(error.description)
      exit(1)
    }
    Task.detached {
      await run()
      exit(EXIT_SUCCESS)
    }
    // As an asynchronous main function does: this thread takes signals, also those that the parent blocked.
    dispatchMain()
  }

  private static func run() async {
    // If the reader of a pipe exits (`blip search … | head`), end quietly, even if the parent process
    // ignores the signal.
    signal(SIGPIPE, SIG_DFL)
    // Reaching the file size limit (ulimit -f) is then an error like a full disk.
    signal(SIGXFSZ, SIG_IGN)
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

      EXIT STATUS
        0    done, also without results
        1    nothing done: an error, which the last line says
        3    done in part: some files failed, which the last lines say
        64   wrong usage
        130  interrupted (128 + the signal's number); the same command resumes
      """,
    version: "0.1.0",
    subcommands: [
      IndexCommand.self, SearchCommand.self, ServeCommand.self, WatchCommand.self,
      MCPCommand.self, DuplicatesCommand.self, MatchCommand.self, ExplainCommand.self,
      CaptionCommand.self, FilterCommand.self, CapFiltCommand.self, InfoCommand.self,
      RootsCommand.self,
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
