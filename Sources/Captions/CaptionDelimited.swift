internal import Files

/// Reads CSV as RFC 4180 has it (quoted fields may hold commas, line ends and doubled quotes) or
/// TSV (no quoting), record by record with the line where each begins. Empty lines are passed over.
///
/// A reader of our own because an error must name its line, and because the libraries want the whole
/// file as one string first.
struct DelimitedReader {
  private let bytes: [UInt8]
  private let isTabbed: Bool
  private var position = 0
  private var line = 1

  /// A table is tabbed where its name says so or its first line holds a tab.
  init(_ bytes: [UInt8], isTabbed: Bool) {
    self.bytes = bytes
    self.isTabbed = isTabbed || bytes.prefix { $0 != .newline }.contains(UInt8(ascii: "\t"))
  }

  /// The fields of the next record and the line where it begins; nil at the end.
  mutating func next() throws(CaptionFault) -> (fields: [String], line: Int)? {
    while position < bytes.count, bytes[position] == .newline || bytes[position] == .carriageReturn
    {
      if bytes[position] == .newline { line += 1 }
      position += 1
    }
    guard position < bytes.count else { return nil }
    let startLine = line
    var fields: [String] = []
    while true {
      fields.append(try field())
      guard position < bytes.count, bytes[position] != .newline else { break }
      position += 1
    }
    return (fields, startLine)
  }

  /// One field; stands on the separator or line end behind it.
  private mutating func field() throws(CaptionFault) -> String {
    let startLine = line
    var field: [UInt8] = []
    if !isTabbed, position < bytes.count, bytes[position] == .quote {
      position += 1
      while true {
        guard position < bytes.count else {
          throw CaptionFault(startLine, "a quoted field that does not end; is the file whole?")
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
    let separator = isTabbed ? UInt8(ascii: "\t") : UInt8(ascii: ",")
    while position < bytes.count, bytes[position] != separator, bytes[position] != .newline {
      field.append(bytes[position])
      position += 1
    }
    let endsLine = position == bytes.count || bytes[position] == .newline
    if endsLine, field.last == .carriageReturn { field.removeLast() }
    guard let text = String(validating: field, as: UTF8.self) else {
      throw CaptionFault(startLine, "text that is not UTF-8; save the file as UTF-8")
    }
    return text
  }
}

/// Which columns of a table hold the picture and its caption, by the header.
struct CaptionColumns {
  private let image: Int
  private let caption: Int
  private let count: Int

  init(header: [String]) throws(CaptionFault) {
    let names = header.map { $0.split(whereSeparator: \.isWhitespace).joined().lowercased() }
    guard let image = names.firstIndex(where: CaptionFile.imageKeys.contains),
      let caption = names.firstIndex(where: CaptionFile.captionKeys.contains)
    else {
      throw CaptionFault(1, "no captions are known by this header; \(CaptionFile.expected)")
    }
    self.image = image
    self.caption = caption
    count = header.count
  }

  /// The picture's name and the caption of a row.
  func pick(_ fields: [String], line: Int) throws(CaptionFault) -> (String, String) {
    guard fields.count == count else {
      throw CaptionFault(
        line,
        "\(fields.count) fields where the header has \(count); quote a field that holds commas")
    }
    return (fields[image], fields[caption])
  }
}

extension UInt8 {
  fileprivate static let quote = UInt8(ascii: "\"")
  fileprivate static let carriageReturn = UInt8(ascii: "\r")
}
