internal import Files

/// A part of a pattern: what stands for one character, or for any number of them.
enum GlobToken: Sendable, Equatable {
  case character(Unicode.Scalar)
  case anyCharacter
  case anyRun
  case set([ClosedRange<Unicode.Scalar>], negated: Bool)
  /// Between names.
  case slash
}

extension GlobToken {
  /// The characters of a name; if it is not UTF-8, its bytes, those beyond ASCII as characters for private
  /// use.
  static func characters(_ name: some Collection<UInt8>) -> [Unicode.Scalar] {
    if let text = String(validating: name, as: UTF8.self) { return Array(text.unicodeScalars) }
    return name.map { $0 < 0x80 ? Unicode.Scalar($0) : Unicode.Scalar(0x10FF00 + UInt32($0))! }
  }

  /// Whether tokens, none of them a slash, match a name. Where a token fails, the last `*` takes one
  /// character more; earlier ones need not, so that the time is at most the product of both lengths.
  static func matches(_ tokens: ArraySlice<GlobToken>, _ name: [Unicode.Scalar]) -> Bool {
    var token = tokens.startIndex
    var position = 0
    var star: (token: Int, position: Int)?
    while position < name.count {
      if token < tokens.endIndex, tokens[token] == .anyRun {
        star = (token, position)
        token += 1
      } else if token < tokens.endIndex, tokens[token].matches(name[position]) {
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

  private func matches(_ character: Unicode.Scalar) -> Bool {
    switch self {
    case .character(let wanted): wanted == character
    case .anyCharacter: true
    case .anyRun, .slash: false
    case .set(let ranges, let negated): ranges.contains { $0.contains(character) } != negated
    }
  }

  /// The tokens of a pattern; nil where it is malformed, so that it matches nothing.
  static func tokens(of text: ArraySlice<Unicode.Scalar>) -> [GlobToken]? {
    var tokens: [GlobToken] = []
    var rest = text
    while let character = rest.popFirst() {
      switch character {
      case "*": tokens.append(.anyRun)
      case "?": tokens.append(.anyCharacter)
      case "/": tokens.append(.slash)
      case "[":
        guard let set = set(&rest) else { return nil }
        tokens.append(set)
      case "\\":
        guard let next = rest.popFirst() else { return nil }
        tokens.append(next == "/" ? .slash : .character(next))
      default: tokens.append(.character(character))
      }
    }
    return tokens
  }

  /// The rest of `[…]`, behind its opening bracket; nil where it has no end or an unknown class.
  private static func set(_ rest: inout ArraySlice<Unicode.Scalar>) -> GlobToken? {
    let negated = rest.first == "!" || rest.first == "^"
    if negated { rest.removeFirst() }
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    var previous: Unicode.Scalar?
    var isFirst = true
    while let character = rest.popFirst() {
      // A bracket right behind the opening one is a member, not the end.
      if character == "]", !isFirst {
        return ranges.isEmpty && !negated ? nil : .set(ranges, negated: negated)
      }
      isFirst = false
      if character == "-", let low = previous, let next = rest.first, next != "]" {
        rest.removeFirst()
        guard let high = next == "\\" ? rest.popFirst() : next else { return nil }
        if low <= high { ranges.append(low...high) }
        previous = nil
      } else if character == "[", rest.first == ":", let end = rest.firstIndex(of: "]"),
        end > rest.startIndex + 1, rest[end - 1] == ":"
      {
        let name = String(String.UnicodeScalarView(rest[(rest.startIndex + 1)..<(end - 1)]))
        guard let members = classes[name] else { return nil }
        ranges += members
        rest = rest[(end + 1)...]
        previous = nil
      } else {
        guard let member = character == "\\" ? rest.popFirst() : character else { return nil }
        ranges.append(member...member)
        previous = member
      }
    }
    return nil
  }

  /// The classes of POSIX, of ASCII.
  private static let classes: [String: [ClosedRange<Unicode.Scalar>]] = {
    func range(_ first: Unicode.Scalar, _ last: Unicode.Scalar) -> ClosedRange<Unicode.Scalar> {
      first...last
    }
    let (upper, lower, digit) = (range("A", "Z"), range("a", "z"), range("0", "9"))
    return [
      "alnum": [upper, lower, digit], "alpha": [upper, lower],
      "blank": [range(" ", " "), range("\t", "\t")],
      "cntrl": [range("\0", "\u{1F}"), range("\u{7F}", "\u{7F}")], "digit": [digit],
      "graph": [range("!", "~")], "lower": [lower], "print": [range(" ", "~")],
      "punct": [range("!", "/"), range(":", "@"), range("[", "`"), range("{", "~")],
      "space": [range(" ", " "), range("\t", "\r")], "upper": [upper],
      "xdigit": [digit, range("A", "F"), range("a", "f")],
    ]
  }()
}
