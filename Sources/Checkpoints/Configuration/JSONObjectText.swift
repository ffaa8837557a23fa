/// The text of a JSON object, of which single members are set or removed; every other byte stays as it is.
///
/// The text has been decoded before: what is no JSON has no members here.
struct JSONObjectText {
  private(set) var bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The object without its members of this name. A member that `set` appended leaves no trace.
  func removing(_ name: String) -> JSONObjectText {
    var copy = self
    while copy.remove([name]) {}
    return copy
  }

  /// Removes the first member at the end of a path of names. Returns false if there is none.
  mutating func remove(_ path: [String]) -> Bool {
    let start = path.count > 1 ? value(at: path.dropLast())?.lowerBound : 0
    guard let start, let name = path.last, let object = object(from: start),
      let index = object.members.firstIndex(where: { $0.name == Array(name.utf8) })
    else { return false }
    bytes.removeSubrange(object.extent(of: index))
    return true
  }

  /// The range of the value at the end of a path of names; nil if there is none.
  func value(at path: [String]) -> Range<Int>? {
    var start = 0
    var found: Range<Int>?
    for name in path {
      guard let member = object(from: start)?.member(name) else { return nil }
      found = member.value
      start = member.value.lowerBound
    }
    return found
  }

  /// Sets the value at the end of a path of names. Members that are missing are appended to their object;
  /// a value on the way that is no object is replaced by one. Returns false if the text is no object.
  /// - Parameter value: JSON.
  mutating func set(_ path: [String], to value: String) -> Bool {
    precondition(!path.isEmpty, "an empty path")
    var start = 0
    for (depth, name) in path.enumerated() {
      guard let object = object(from: start) else { return false }
      let rest = path[(depth + 1)...]
      let nested =
        rest.map { "{\(jsonString($0)): " }.joined() + value
        + String(repeating: "}", count: rest.count)
      guard let member = object.member(name) else {
        let (place, separator) = object.end(in: bytes)
        bytes.insert(
          contentsOf: separator + Array("\(jsonString(name)): \(nested)".utf8), at: place)
        return true
      }
      if rest.isEmpty || bytes[member.value.lowerBound] != UInt8(ascii: "{") {
        bytes.replaceSubrange(member.value, with: Array(nested.utf8))
        return true
      }
      start = member.value.lowerBound
    }
    return true
  }

  /// The members of the object that begins at the first byte from `start` that is no white space.
  private func object(from start: Int) -> Object? {
    var scanner = Scanner(bytes: bytes, position: start)
    scanner.skipByteOrderMark()
    scanner.skipSpace()
    let open = scanner.position
    guard scanner.take("{") else { return nil }
    var members: [Member] = []
    scanner.skipSpace()
    if scanner.take("}") { return Object(open: open, close: scanner.position - 1, members: []) }
    repeat {
      scanner.skipSpace()
      let start = scanner.position
      guard scanner.skipString() else { return nil }
      let name = bytes[start + 1..<scanner.position - 1]
      scanner.skipSpace()
      guard scanner.take(":") else { return nil }
      scanner.skipSpace()
      let value = scanner.position
      guard scanner.skipValue() else { return nil }
      members.append(
        Member(name: Array(name), start: start, value: value..<scanner.position))
      scanner.skipSpace()
    } while scanner.take(",")
    return scanner.take("}")
      ? Object(open: open, close: scanner.position - 1, members: members) : nil
  }
}

/// A member: its name as it is written, where the name's quotation mark is, and its value.
private struct Member {
  let name: [UInt8]
  let start: Int
  let value: Range<Int>
}

private struct Object {
  /// Where its braces are.
  let open, close: Int
  let members: [Member]

  func member(_ name: String) -> Member? { members.first { $0.name == Array(name.utf8) } }

  /// What is to be cut out so that a member is gone, with one comma.
  func extent(of index: Int) -> Range<Int> {
    if index > 0 { return members[index - 1].value.upperBound..<members[index].value.upperBound }
    if members.count > 1 { return members[0].start..<members[1].start }
    return open + 1..<close
  }

  /// Where a member is appended, and what stands before its name: the last member's line is continued
  /// in the same way.
  func end(in bytes: [UInt8]) -> (place: Int, separator: [UInt8]) {
    guard let last = members.last else { return (open + 1, []) }
    let before = members.count > 1 ? members[members.count - 2].value.upperBound : open
    let space = bytes[before..<last.start].reversed().prefix { Scanner.isSpace($0) }.reversed()
    return (last.value.upperBound, [UInt8(ascii: ",")] + (space.isEmpty ? [0x20] : Array(space)))
  }
}

/// Goes through JSON, without recursion.
private struct Scanner {
  let bytes: [UInt8]
  var position: Int

  static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func skipByteOrderMark() {
    if position == 0, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  mutating func skipSpace() {
    while let next, Self.isSpace(next) { position += 1 }
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func skipString() -> Bool {
    guard take("\"") else { return false }
    while let next {
      position += next == UInt8(ascii: "\\") ? 2 : 1
      if next == UInt8(ascii: "\"") { return position <= bytes.count }
    }
    return false
  }

  mutating func skipValue() -> Bool {
    let start = position
    var depth = 0
    while let next {
      switch next {
      case UInt8(ascii: "\""):
        guard skipString() else { return false }
        if depth == 0 { return true }
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard depth > 0 else { return position > start }
        depth -= 1
        if depth == 0 {
          position += 1
          return true
        }
      case UInt8(ascii: ","):
        if depth == 0 { return position > start }
      default:
        if depth == 0, Self.isSpace(next) { return position > start }
      }
      position += 1
    }
    return false
  }
}
