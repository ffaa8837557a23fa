internal import Files

/// What separates the fields of a table.
struct Delimiter {
  let byte: UInt8
  /// Whether a field in quotes may hold separators, line ends and doubled quotes (RFC 4180).
  let hasQuotes: Bool

  static let tab = Delimiter(byte: UInt8(ascii: "\t"), hasQuotes: false)
  static let comma = Delimiter(byte: UInt8(ascii: ","), hasQuotes: true)
  /// Flickr30k's.
  static let pipe = Delimiter(byte: UInt8(ascii: "|"), hasQuotes: false)
  /// That of spreadsheets where the comma is the decimal sign.
  static let semicolon = Delimiter(byte: UInt8(ascii: ";"), hasQuotes: true)
}

/// Reads a table record by record with the line where each begins. Empty lines are passed over.
///
/// A reader of our own because an error must name its line, and because the libraries want the whole
/// file as one string first.
struct DelimitedReader {
  private let bytes: [UInt8]
  private let delimiter: Delimiter
  private var position = 0
  private var line = 1

  init(_ bytes: [UInt8], _ delimiter: Delimiter) {
    self.bytes = bytes
    self.delimiter = delimiter
  }

  /// The fields of the next record and the line where it begins; nil at the end.
  mutating func next() throws(CaptionFault) -> (fields: [[UInt8]], line: Int)? {
    while position < bytes.count, bytes[position] == .newline || bytes[position] == .carriageReturn
    {
      if bytes[position] == .newline { line += 1 }
      position += 1
    }
    guard position < bytes.count else { return nil }
    let startLine = line
    var fields: [[UInt8]] = []
    while true {
      fields.append(try field())
      guard position < bytes.count, bytes[position] != .newline else { break }
      position += 1
    }
    return (fields, startLine)
  }

  /// One field; stands on the separator or line end behind it.
  private mutating func field() throws(CaptionFault) -> [UInt8] {
    let startLine = line
    var field: [UInt8] = []
    if delimiter.hasQuotes, position < bytes.count, bytes[position] == .quote {
      position += 1
      while true {
        guard position < bytes.count else {
          throw CaptionFault(
            "a quoted field that does not end; is the file whole?", line: startLine)
        }
        let byte = bytes[position]
        position += 1
        if byte == .quote {
          guard position < bytes.count, bytes[position] == .quote else { break }
          position += 1
        } else if byte == .newline {
          line += 1
        }
        field.append(byte)
      }
    }
    let start = position
    while position < bytes.count, bytes[position] != delimiter.byte, bytes[position] != .newline {
      position += 1
    }
    field += bytes[start..<position]
    let endsLine = position == bytes.count || bytes[position] == .newline
    if endsLine, field.last == .carriageReturn { field.removeLast() }
    return field
  }
}

extension UInt8 {
  fileprivate static let quote = UInt8(ascii: "\"")
  fileprivate static let carriageReturn = UInt8(ascii: "\r")
}
