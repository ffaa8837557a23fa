import ArgumentParser
import Glibc
import Images

/// What `blip index` starts beside itself, so that a codec that crashes does so alone.
struct DecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode-pictures",
    abstract: "Decodes pictures for the process that started it.", shouldDisplay: false)

  /// A decoder whose processes are this program.
  static var decoder: IsolatedDecoder {
    IsolatedDecoder(command: ["/proc/self/exe", configuration.commandName!])
  }

  func run() {
    limitDecodingProcess()
    serveDecoding(on: STDIN_FILENO)
  }
}
