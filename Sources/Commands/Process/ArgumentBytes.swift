import Files

/// The bytes of the process's arguments. `CommandLine.arguments` replaces those that are not UTF-8, and so
/// would name other files.
enum ArgumentBytes {
  /// The bytes of arguments that are not UTF-8, by the text that stands for them.
  private static let replaced: [String: [UInt8]] = {
    var replaced: [String: [UInt8]] = [:]
    for bytes in FileSystem.stream("/proc/self/cmdline").split(separator: 0) {
      let text = String(decoding: bytes, as: UTF8.self)
      if !text.utf8.elementsEqual(bytes) { replaced[text] = Array(bytes) }
    }
    return replaced
  }()

  /// The bytes that were given for an argument.
  static func of(_ argument: String) -> [UInt8] { replaced[argument] ?? Array(argument.utf8) }
}
