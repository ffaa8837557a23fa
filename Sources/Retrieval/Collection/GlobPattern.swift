internal import Files
internal import Store

/// A line of an ignore file, or a pattern of `--exclude`: the syntax of `.gitignore`.
///
/// Without a slash, other than at its end, it matches a name at any depth, with one the path from the folder
/// that it counts from. `*` and `?` stand for anything but a slash, `**` as a whole component for any number of
/// folders, `[a-z]`, `[!a-z]` and `[[:digit:]]` for a character, `\` makes the next character plain, a slash at
/// the end confines the pattern to folders, and `!` at its beginning keeps what a pattern before it leaves out.
/// Other than in Git, `?` and `[…]` stand for a character of UTF-8, not for a byte.
struct GlobPattern: Sendable {
  private enum Component: Sendable, Equatable {
    case name([GlobToken])
    case anyFolders
  }
  private let components: [Component]
  private let onlyFolders: Bool
  /// Matched against the whole path; otherwise against the last name alone.
  private let isAnchored: Bool
  /// Whether what matches is kept.
  let isNegated: Bool

  /// A pattern that a user gave; one that would match nothing is an error.
  init(_ text: String) throws(RetrievalError) {
    guard let pattern = Self(line: Array(text.utf8)) else {
      throw RetrievalError(
        .invalidOption,
        "the exclude pattern '\(printable(text))' names nothing; name files or folders, as in '*.gif'"
      )
    }
    self = pattern
  }

  /// A line of a file, without its end; nil where it is blank, a comment, or matches nothing.
  init?(line: [UInt8]) {
    guard line.first != UInt8(ascii: "#"), !line.contains(0), !line.contains(.newline) else {
      return nil
    }
    var text = GlobToken.characters(Self.withoutTrailingSpaces(line)[...])[...]
    isNegated = text.first == "!"
    if isNegated { text.removeFirst() }
    onlyFolders = text.last == "/"
    if onlyFolders { text.removeLast() }
    isAnchored = text.contains("/")
    if text.first == "/" { text.removeFirst() }
    guard !text.isEmpty, let tokens = GlobToken.tokens(of: text) else { return nil }
    var components: [Component] = []
    for part in tokens.split(separator: .slash, omittingEmptySubsequences: false) {
      // No path has an empty component.
      guard !part.isEmpty else { return nil }
      let isAnyFolders = part.count > 1 && part.allSatisfy { $0 == .anyRun } && isAnchored
      components.append(isAnyFolders ? .anyFolders : .name(Array(part)))
    }
    self.components = components
  }

  /// Without the spaces at its end that no backslash stands before.
  private static func withoutTrailingSpaces(_ line: [UInt8]) -> [UInt8] {
    var end = 0
    var position = 0
    while position < line.count {
      if line[position] == UInt8(ascii: "\\") {
        position = min(position + 2, line.count)
        end = position
      } else {
        position += 1
        if line[position - 1] != UInt8(ascii: " ") { end = position }
      }
    }
    return Array(line[..<end])
  }

  /// Whether the pattern names this path, relative to the folder that it counts from, itself.
  func matches(_ path: some Collection<UInt8>, isFolder: Bool) -> Bool {
    if onlyFolders, !isFolder { return false }
    if !isAnchored {
      guard case .name(let tokens) = components[0],
        let name = path.split(separator: .slash).last
      else { return false }
      return GlobToken.matches(tokens[...], GlobToken.characters(name))
    }
    let names = path.split(separator: .slash).map { GlobToken.characters($0) }
    // reachable[j]: the components so far match the first j names.
    var reachable = [Bool](repeating: false, count: names.count + 1)
    reachable[0] = true
    for (index, component) in components.enumerated() {
      var next = [Bool](repeating: false, count: names.count + 1)
      switch component {
      case .anyFolders:
        // At the end, `a/**` is everything inside a, not a itself.
        let least = index == components.count - 1 ? 1 : 0
        if let first = reachable.firstIndex(of: true), first + least <= names.count {
          for count in (first + least)...names.count { next[count] = true }
        }
      case .name(let tokens):
        for count in 0..<names.count where reachable[count] {
          next[count + 1] = next[count + 1] || GlobToken.matches(tokens[...], names[count])
        }
      }
      reachable = next
    }
    return reachable[names.count]
  }
}
