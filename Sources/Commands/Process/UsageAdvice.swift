import ArgumentParser
import Files

/// What a user probably meant by arguments that do not parse.
enum UsageAdvice {
  /// One sentence in place of the parser's message; nil where that says enough.
  /// - Parameters:
  ///   - arguments: Without the program's name.
  ///   - message: What the parser says.
  static func sentence(
    for arguments: [String], root: any ParsableCommand.Type, message: String
  ) -> String? {
    var command = root
    // "blip help VERB" shows the help of a verb.
    var rest = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
    while let name = rest.first, !command.configuration.subcommands.isEmpty {
      guard !name.hasPrefix("-") else { return nil }
      guard let next = command.configuration.subcommands.first(where: { $0.name == name }) else {
        return unknown(name, in: command)
      }
      command = next
      rest = rest.dropFirst()
    }
    let isOfOptions = ["Unknown option", "Missing expected argument"].contains {
      message.contains($0)
    }
    return command == SearchCommand.self && isOfOptions ? dashed(rest) : nil
  }

  private static func unknown(_ name: String, in command: any ParsableCommand.Type) -> String {
    let shown = printable(String(name.prefix(80)))
    let names = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
      .map { $0.name }
    if let nearest = nearest(to: name, among: names) {
      return "Unknown command '\(shown)'; did you mean '\(nearest)'?"
    }
    if name.contains(where: \.isWhitespace) {
      return "Unknown command '\(shown)'; to search for a text, write blip search \"\(shown)\"."
    }
    return "Unknown command '\(shown)'; the commands are \(names.joined(separator: ", "))."
  }

  /// A word that looks like an option though it was meant as a term of a query.
  private static func dashed(_ arguments: ArraySlice<String>) -> String? {
    let word = arguments.prefix { $0 != "--" }.first { argument in
      guard argument.first == "-", let second = argument.dropFirst().first else { return false }
      return second != "-" && !"kh0".contains(second)
    }
    guard let word else { return nil }
    let shown = printable(String(word.prefix(80)))
    return "'\(shown)' looks like an option, but there is none of that name: "
      + "write - \(shown.dropFirst()) (with a space) for results unlike it, "
      + "or put -- before a text that begins with a dash."
  }

  /// The name that a mistyped one is nearest to; nil if none is near.
  static func nearest(to name: String, among names: [String]) -> String? {
    let near = names.map { (name: $0, distance: editDistance(name, $0)) }
      .min { $0.distance < $1.distance }
    if let near, near.distance <= max(1, name.count / 3), near.distance < near.name.count {
      return near.name
    }
    let longer = names.filter { name.count >= 2 && $0.hasPrefix(name) }
    return longer.count == 1 ? longer[0] : nil
  }

  /// How many characters are to be inserted, removed, replaced, or swapped with their neighbour to make
  /// one word of another (optimal string alignment).
  private static func editDistance(_ first: String, _ second: String) -> Int {
    let (a, b) = (Array(first.lowercased().prefix(40)), Array(second))
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var distance = min(rows[i][j + 1], row[j]) + 1
        distance = min(distance, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          distance = min(distance, rows[i - 1][j - 1] + 1)
        }
        row.append(distance)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}

extension ParsableCommand {
  /// What the command is called on the command line.
  fileprivate static var name: String { configuration.commandName ?? "" }
}
