import ArgumentParser
import Glibc
import Images

/// The verb that `blip` runs as a child process to decode pictures, so that a codec that crashes does
/// not take the parent with it.
struct DecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode-pictures",
    abstract: "Decode pictures for the parent process.", shouldDisplay: false)

  /// A decoder whose child processes run this program.
  static let decoder = IsolatedDecoder(command: ["/proc/self/exe", configuration.commandName!])

  func run() {
    limitDecodingProcess()
    serveDecoding(on: STDIN_FILENO)
  }
}
