internal import Files

/// Passes over values of JSON without decoding them, and counts lines. Not recursive: no nesting is
/// too deep.
struct JSONScanner {
  struct Mark {
    var position = 0
    var line = 1
  }

  /// Where it stands.
  var mark = Mark()
  /// Whether a string with a line end in it is an error (which JSON forbids), as in JSONL, where the
  /// quote that ends a string may be missing.
  var stringsEndInLine = false
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { mark.position >= bytes.count }
  var isAtObject: Bool { !isAtEnd && bytes[mark.position] == UInt8(ascii: "{") }

  /// Passes a character if it is the next.
  mutating func passes(_ character: Unicode.Scalar) -> Bool {
    guard !isAtEnd, bytes[mark.position] == UInt8(ascii: character) else { return false }
    mark.position += 1
    return true
  }

  mutating func skipWhiteSpace() {
    while !isAtEnd, bytes[mark.position].isWhiteSpace {
      if bytes[mark.position] == .newline { mark.line += 1 }
      mark.position += 1
    }
  }

  /// Passes what is left of the line, without its end.
  mutating func restOfLine() -> ArraySlice<UInt8> {
    let start = mark.position
    while !isAtEnd, bytes[mark.position] != .newline { mark.position += 1 }
    return bytes[start..<mark.position]
  }

  /// Passes a string and returns what stands between its quotes; nil where none begins.
  mutating func string() throws(CaptionFault) -> String? {
    guard !isAtEnd, bytes[mark.position] == UInt8(ascii: "\"") else { return nil }
    return String(decoding: try value().dropFirst().dropLast(), as: UTF8.self)
  }

  /// Passes one value: an object or array with all it holds, a string, or a bare word, which may be
  /// empty.
  mutating func value() throws(CaptionFault) -> ArraySlice<UInt8> {
    let start = mark
    guard !isAtEnd else { throw unexpected("a value") }
    if "[{\"".utf8.contains(bytes[mark.position]) {
      var depth = 0
      repeat {
        guard !isAtEnd else {
          throw CaptionFault("what begins here has no end; is the file whole?", line: start.line)
        }
        try step(&depth)
      } while depth > 0
    } else {
      while !isAtEnd, !",]} \t\r\n".utf8.contains(bytes[mark.position]) { mark.position += 1 }
    }
    return bytes[start.position..<mark.position]
  }

  /// Passes a string, a bracket, or another byte.
  private mutating func step(_ depth: inout Int) throws(CaptionFault) {
    switch bytes[mark.position] {
    case UInt8(ascii: "\""):
      let startLine = mark.line
      mark.position += 1
      while !isAtEnd, bytes[mark.position] != UInt8(ascii: "\"") {
        if bytes[mark.position] == .newline {
          guard !stringsEndInLine else {
            throw CaptionFault("a string that does not end in its line", line: startLine)
          }
          mark.line += 1
        }
        mark.position += bytes[mark.position] == UInt8(ascii: "\\") ? 2 : 1
      }
      guard !isAtEnd else {
        throw CaptionFault("a string that does not end; is the file whole?", line: startLine)
      }
    case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
    case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
    case .newline: mark.line += 1
    default: break
    }
    mark.position += 1
  }

  /// The error that something else stands here than was expected.
  func unexpected(_ wanted: String) -> CaptionFault {
    guard !isAtEnd else {
      return CaptionFault(
        "the file ends where \(wanted) was expected; is it whole?", line: mark.line)
    }
    let found = Character(UnicodeScalar(bytes[mark.position]))
    return CaptionFault("found '\(found)' where \(wanted) was expected", line: mark.line)
  }
}
