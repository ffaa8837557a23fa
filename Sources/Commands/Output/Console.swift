import Files
import Glibc

/// Standard output or standard error: writes to it, and knows what it is connected to.
struct Console: Sendable {
  static let output = Console(descriptor: STDOUT_FILENO)
  static let error = Console(descriptor: STDERR_FILENO)

  let descriptor: Int32
  /// Whether it is connected to a terminal that understands escape sequences.
  let isTerminal: Bool
  /// Whether it is such a terminal and `NO_COLOR` is unset or empty (no-color.org).
  let isColored: Bool

  init(descriptor: Int32) {
    func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) == 1 && variable("TERM") != "dumb"
    isColored = isTerminal && variable("NO_COLOR").isEmpty
  }

  /// The terminal's width in columns; 80 if unknown.
  var width: Int {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// The size of a character in pixels; nil if the terminal does not tell it.
  var cell: (width: Int, height: Int)? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return nil
    }
    let width = Int(size.ws_xpixel / size.ws_col)
    let height = Int(size.ws_ypixel / size.ws_row)
    return width > 1 && height > 1 ? (width, height) : nil
  }

  /// The text dimmed, on a terminal with colours.
  func dimmed(_ text: String) -> String { isColored ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

  /// Writes all of the text; throws if that fails (for example, on a full disk).
  func write(_ text: String) throws(CommandFailure) { try write(Array(text.utf8)) }

  /// Writes bytes that need not be valid UTF-8 (paths).
  func write(_ bytes: [UInt8]) throws(CommandFailure) {
    do throws(FileError) { try FileSystem.write(bytes, to: descriptor) } catch {
      throw CommandFailure("cannot write the results: \(error)")
    }
  }

  /// Writes a line for the user to standard error; a failure to do so is ignored.
  static func note(_ line: String) { try? error.write("blip: \(line)\n") }

  /// Writes a line that must not be overlooked to standard error.
  static func alarm(_ line: String) {
    try? error.write(
      error.isColored
        ? "\u{1B}[1;31mblip: WARNING: \(line)\u{1B}[0m\n" : "blip: WARNING: \(line)\n")
  }

  /// Says which process this one is waiting for before it can change an index.
  static func noteWaiting(for holder: String) {
    note("\(holder) is writing this index; waiting for it to finish")
  }
}
