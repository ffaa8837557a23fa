internal import Files
internal import Store

/// A pattern of `--exclude`, as a line of `.gitignore` has it: without a slash it matches a name at
/// any depth, with one (other than at its end) the path from the collection root. `*` and `?` stand
/// for anything but a slash, `**` as a whole component for any number of folders, `[a-z]` and
/// `[!a-z]` for a character, `\` makes the next character plain, and a slash at the end confines
/// the pattern to folders.
struct GlobPattern: Sendable {
  private enum Token: Sendable, Equatable {
    case character(UInt32)
    case anyCharacter
    case anyRun
    case set([ClosedRange<UInt32>], negated: Bool)
  }
  private enum Component: Sendable, Equatable {
    case name([Token])
    case anyFolders
  }
  private let components: [Component]
  private let onlyFolders: Bool
  /// Matched against the whole path; otherwise against the last name alone.
  private let anchored: Bool

  init(_ text: String) throws(RetrievalError) {
    var text = Substring(text)
    onlyFolders = text.count > 1 && text.hasSuffix("/")
    if onlyFolders { text.removeLast() }
    anchored = text.contains("/")
    if text.hasPrefix("/") { text.removeFirst() }
    guard !text.isEmpty else {
      throw RetrievalError(
        .invalidOption, "an empty exclude pattern: name files or folders, as in '*.gif'")
    }
    var components: [Component] = []
    for part in text.split(separator: "/", omittingEmptySubsequences: true) {
      components.append(
        part == "**" ? .anyFolders : .name(try Self.tokens(part, of: String(text))))
    }
    self.components = components
  }

  /// Whether the pattern names this path (relative to the collection root) itself.
  func matches(_ path: [UInt8], isFolder: Bool) -> Bool {
    if onlyFolders, !isFolder { return false }
    let names = path.split(separator: .slash).map(Self.characters)
    if !anchored {
      guard let name = names.last, let only = components.first else { return false }
      return Self.matches(only, name)
    }
    // reachable[j]: the components so far match the first j names.
    var reachable = [Bool](repeating: false, count: names.count + 1)
    reachable[0] = true
    for (index, component) in components.enumerated() {
      var next = [Bool](repeating: false, count: names.count + 1)
      if component == .anyFolders {
        // At the end, `a/**` is everything inside a, not a itself.
        let least = index == components.count - 1 ? 1 : 0
        if let first = reachable.firstIndex(of: true), first + least <= names.count {
          for count in (first + least)...names.count { next[count] = true }
        }
      } else {
        for count in 0..<names.count where reachable[count] {
          next[count + 1] = next[count + 1] || Self.matches(component, names[count])
        }
      }
      reachable = next
    }
    return reachable[names.count]
  }

  private static func matches(_ component: Component, _ name: [UInt32]) -> Bool {
    guard case .name(let tokens) = component else { return true }
    // Where a later token fails, the last `*` takes one character more; earlier ones need not.
    var token = 0
    var position = 0
    var star: (token: Int, position: Int)?
    while position < name.count {
      if token < tokens.count, tokens[token] == .anyRun {
        star = (token, position)
        token += 1
      } else if token < tokens.count, matches(tokens[token], name[position]) {
        token += 1
        position += 1
      } else if let last = star {
        star = (last.token, last.position + 1)
        token = last.token + 1
        position = last.position + 1
      } else {
        return false
      }
    }
    return tokens[token...].allSatisfy { $0 == .anyRun }
  }

  private static func matches(_ token: Token, _ character: UInt32) -> Bool {
    switch token {
    case .character(let wanted): wanted == character
    case .anyCharacter: true
    case .anyRun: false
    case .set(let ranges, let negated): ranges.contains { $0.contains(character) } != negated
    }
  }

  private static func tokens(_ component: Substring, of pattern: String) throws(RetrievalError)
    -> [Token]
  {
    var tokens: [Token] = []
    var rest = component.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*": if tokens.last != .anyRun { tokens.append(.anyRun) }
      case "?": tokens.append(.anyCharacter)
      case "[": tokens.append(try set(&rest, of: pattern))
      case "\\": tokens.append(.character((rest.popFirst() ?? "\\").value))
      default: tokens.append(.character(scalar.value))
      }
    }
    return tokens
  }

  /// The rest of `[…]`, behind its opening bracket.
  private static func set(_ rest: inout Substring.UnicodeScalarView, of pattern: String)
    throws(RetrievalError) -> Token
  {
    var negated = false
    if rest.first == "!" || rest.first == "^" {
      negated = true
      rest.removeFirst()
    }
    var ranges: [ClosedRange<UInt32>] = []
    while let first = rest.popFirst() {
      // A bracket right behind the opening one is a member, not the end.
      if first == "]", !ranges.isEmpty { return .set(ranges, negated: negated) }
      let low = first == "\\" ? (rest.popFirst() ?? "\\") : first
      var high = low
      if rest.first == "-", rest.dropFirst().first != "]", rest.count > 1 {
        rest.removeFirst()
        high = rest.removeFirst()
      }
      guard low <= high else {
        throw RetrievalError(
          .invalidOption,
          "the exclude pattern '\(pattern)' has the range \(low)-\(high) upside down")
      }
      ranges.append(low.value...high.value)
    }
    throw RetrievalError(
      .invalidOption, "the exclude pattern '\(pattern)' opens a [ that it does not close")
  }

  /// The characters of a name; a byte that is not UTF-8 is one of its own, beyond Unicode.
  private static func characters(_ name: ArraySlice<UInt8>) -> [UInt32] {
    if let text = String(validating: name, as: UTF8.self) {
      return text.unicodeScalars.map(\.value)
    }
    return name.map { $0 < 0x80 ? UInt32($0) : 0x110000 + UInt32($0) }
  }
}
