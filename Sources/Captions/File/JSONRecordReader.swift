internal import Files

/// A piece of a captions file of JSON: an object where the file is as it should be.
struct JSONElement {
  enum Kind { case record, image, annotation }

  let bytes: ArraySlice<UInt8>
  let place: CaptionPlace
  let kind: Kind
}

/// Takes the records out of a captions file of JSON one by one, so that only one is decoded at a time
/// and an error has a line: the elements of an array, or of the array `images` of an object (Karpathy's)
/// and then those of its `annotations` (COCO's), the entries of an object of captions by picture
/// (`{"a.jpg": "A dog."}`), or objects one after another (JSONL).
///
/// It only finds where they begin and end; what is inside the decoder checks. In JSONL, an object
/// that does not end costs its line.
struct JSONRecordReader {
  private var scanner: JSONScanner
  private var place: Place
  /// The arrays that are still to be read.
  private var sections: [JSONOutline.Section] = []
  /// The arrays are those of an object, whose end was seen.
  private var isInObject = false
  /// In JSONL: an object had no end.
  private var takesWholeLines = false

  private enum Place {
    case document
    case array(JSONElement.Kind, elements: Int)
    case entries(Int)
    case lines
    case end
  }

  init(_ bytes: [UInt8]) throws(CaptionFault) {
    scanner = JSONScanner(bytes)
    scanner.skipWhiteSpace()
    if scanner.passes("[") {
      place = .array(.record, elements: 0)
    } else {
      let outline = try JSONOutline(scanner)
      sections = outline.sections
      place = outline.isMapping ? .entries(0) : .lines
      if let section = sections.first {
        enter(section)
      } else if outline.isMapping {
        _ = scanner.passes("{")
      } else {
        scanner.stringsEndInLine = true
      }
    }
  }

  /// The next record; nil at the end.
  mutating func next() throws(CaptionFault) -> JSONElement? {
    while true {
      scanner.skipWhiteSpace()
      switch place {
      case .lines: return scanner.isAtEnd ? nil : line()
      case .array(let kind, let elements):
        if try hasElement(before: "]", afterOthers: elements > 0) {
          place = .array(kind, elements: elements + 1)
          return try element(kind, number: elements + 1)
        }
        sections = Array(sections.dropFirst())
        if let section = sections.first {
          enter(section)
        } else {
          place = isInObject ? .end : .document
        }
      case .entries(let entries):
        if try hasElement(before: "}", afterOthers: entries > 0) {
          place = .entries(entries + 1)
          return try entry(number: entries + 1)
        }
        place = .document
      case .document:
        guard scanner.isAtEnd else { throw scanner.unexpected("nothing behind the end") }
        place = .end
      case .end: return nil
      }
    }
  }

  private mutating func enter(_ section: JSONOutline.Section) {
    isInObject = true
    scanner.mark = section.start
    place = .array(section.kind, elements: 0)
  }

  /// Whether another element follows; passes the comma, or the bracket at the end.
  private mutating func hasElement(before bracket: Unicode.Scalar, afterOthers: Bool)
    throws(CaptionFault) -> Bool
  {
    guard !scanner.isAtEnd else { throw scanner.unexpected("'\(bracket)'") }
    if scanner.passes(bracket) { return false }
    if afterOthers {
      guard scanner.passes(",") else { throw scanner.unexpected("a comma") }
      scanner.skipWhiteSpace()
    }
    return true
  }

  private mutating func element(_ kind: JSONElement.Kind, number: Int) throws(CaptionFault)
    -> JSONElement
  {
    let line = scanner.mark.line
    let bytes = try scanner.value()
    guard !bytes.isEmpty else { throw scanner.unexpected("an object {\"image\": …}") }
    return JSONElement(bytes: bytes, place: CaptionPlace(line: line, record: number), kind: kind)
  }

  /// An entry `"a.jpg": "A dog."`, as a record.
  private mutating func entry(number: Int) throws(CaptionFault) -> JSONElement {
    let line = scanner.mark.line
    let key = try scanner.value()
    scanner.skipWhiteSpace()
    guard scanner.passes(":") else { throw scanner.unexpected("a colon") }
    scanner.skipWhiteSpace()
    let value = try scanner.value()
    var record = Array("{\"image\":".utf8)
    record += key
    record += Array(",\"caption\":".utf8)
    record += value
    record.append(UInt8(ascii: "}"))
    return JSONElement(
      bytes: record[...], place: CaptionPlace(line: line, record: number), kind: .record)
  }

  /// The object that begins here, over several lines if need be; else the rest of the line. Once an
  /// object had no end, every line is taken for itself, so that no file is read more than twice.
  private mutating func line() -> JSONElement {
    let start = scanner.mark
    let place = CaptionPlace(line: start.line)
    if !takesWholeLines, scanner.isAtObject {
      if let bytes = try? scanner.value() {
        return JSONElement(bytes: bytes, place: place, kind: .record)
      }
      scanner.mark = start
      takesWholeLines = true
    }
    return JSONElement(bytes: scanner.restOfLine(), place: place, kind: .record)
  }
}
