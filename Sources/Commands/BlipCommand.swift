import ArgumentParser
import Glibc

/// The `blip` command: its verbs, and how it ends.
public enum BlipCommand {
  /// Runs the process's arguments and exits: 0 for success (no hits too), 1 with one line on
  /// standard error, 64 for wrong usage, 128 + the signal's number when interrupted.
  public static func run() async {
    // A reader that has seen enough (`blip search … | head`) ends the program quietly, even where
    // the parent process ignores the signal.
    signal(SIGPIPE, SIG_DFL)
    // A file that may not grow further (ulimit -f) is an error like a full disk.
    signal(SIGXFSZ, SIG_IGN)
    requireDescriptors()
    await Blip.main()
  }

  /// With fewer descriptors than Swift's own runtime opens it ends the process by a trap.
  private static func requireDescriptors() {
    let least = 8
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
      limit.rlim_cur < least
    else { return }
    Console.note(
      "Too many open files: this process may have \(limit.rlim_cur), blip needs more"
        + " (ulimit -n 64)")
    exit(1)
  }
}

struct Blip: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blip",
    abstract: "Finds pictures by what they show, and texts by what a picture says.",
    discussion: """
      Everything happens on this machine: pictures and texts are encoded with BLIP, the results \
      lie in the folder of an index, and a search looks there.

      EXAMPLES
        blip index ~/Pictures
        blip search "a dog running on a beach"
        blip search ./holiday.jpg
        blip match ./holiday.jpg --text "a beach" --text "a mountain"

      Without --index, the index is $BLIP_INDEX, else indexes/default under $BLIP_HOME, \
      $XDG_DATA_HOME/blip or ~/.local/share/blip.
      """,
    version: "0.1.0",
    subcommands: [
      IndexCommand.self, SearchCommand.self, MatchCommand.self, CaptionCommand.self,
      FilterCommand.self, CapFiltCommand.self, InfoCommand.self, CheckCommand.self,
      CompactCommand.self, ExportCommand.self, ImportCommand.self,
      TrainCommand.self, BenchCommand.self, ModelCommand.self, DecodeCommand.self,
    ])

  static let _errorLabel = "blip"
}

/// What ends a command with exit code 1; the text names the file and says what to do.
struct CommandFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
