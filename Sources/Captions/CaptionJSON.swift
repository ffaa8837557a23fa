internal import Files
import FoundationEssentials

/// Takes the records out of a captions file of JSON one by one, so that only one is decoded at a
/// time and an error has a line: the objects of an array, of the array `images` of an object
/// (Karpathy's), or one after another (JSONL).
struct JSONRecordReader {
  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  private var place = Place.start
  private enum Place { case start, inArray(afterRecord: Bool), inImages(afterRecord: Bool), end }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The bytes of the next record and the line where it begins; nil at the end.
  mutating func next() throws(CaptionFault) -> (bytes: ArraySlice<UInt8>, line: Int)? {
    while true {
      skipWhiteSpace()
      switch place {
      case .start:
        guard position < bytes.count else { return nil }
        if bytes[position] == UInt8(ascii: "[") {
          position += 1
          place = .inArray(afterRecord: false)
        } else if try enterImages() {
          place = .inImages(afterRecord: false)
        } else {
          return try object()
        }
      case .inArray(let afterRecord):
        if try hasElement(afterRecord: afterRecord) {
          place = .inArray(afterRecord: true)
          return try object()
        }
        place = .end
      case .inImages(let afterRecord):
        if try hasElement(afterRecord: afterRecord) {
          place = .inImages(afterRecord: true)
          return try object()
        }
        try closeDocument()
        place = .end
      case .end:
        guard position == bytes.count else { throw unexpected("nothing behind the end") }
        return nil
      }
    }
  }

  /// Whether another record of the array follows; passes the comma, or the bracket at its end.
  private mutating func hasElement(afterRecord: Bool) throws(CaptionFault) -> Bool {
    guard position < bytes.count else { throw unexpected("the array's end") }
    if bytes[position] == UInt8(ascii: "]") {
      position += 1
      return false
    }
    if afterRecord {
      guard bytes[position] == UInt8(ascii: ",") else { throw unexpected("a comma") }
      position += 1
      skipWhiteSpace()
    }
    return true
  }

  /// Passes an object and returns its bytes; what is inside the decoder checks.
  private mutating func object() throws(CaptionFault) -> (bytes: ArraySlice<UInt8>, line: Int) {
    guard position < bytes.count, bytes[position] == UInt8(ascii: "{") else {
      throw unexpected("an object {\"image\": …, \"caption\": …}")
    }
    let (start, startLine) = (position, line)
    try skipValue()
    return (bytes[start..<position], startLine)
  }

  /// Stands behind the opening bracket of the top object's `images` where it has one; otherwise
  /// stays where it was.
  private mutating func enterImages() throws(CaptionFault) -> Bool {
    guard bytes[position] == UInt8(ascii: "{") else { return false }
    let before = (position, line)
    position += 1
    while position < bytes.count {
      skipWhiteSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { break }
      let start = position
      try skipValue()
      let isImages = bytes[start..<position].elementsEqual("\"images\"".utf8)
      skipWhiteSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { break }
      position += 1
      skipWhiteSpace()
      if isImages, position < bytes.count, bytes[position] == UInt8(ascii: "[") {
        position += 1
        return true
      }
      try skipValue()
      skipWhiteSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { break }
      position += 1
    }
    (position, line) = before
    return false
  }

  /// Passes what follows `images` up to the end of the top object.
  private mutating func closeDocument() throws(CaptionFault) {
    var depth = 1
    while depth > 0 {
      guard position < bytes.count else { throw unexpected("the object's end") }
      try step(&depth)
    }
    skipWhiteSpace()
  }

  /// Passes one value: an object or array with all it holds, a string, or a bare word.
  private mutating func skipValue() throws(CaptionFault) {
    let startLine = line
    guard position < bytes.count else { throw unexpected("a value") }
    guard "[{\"".utf8.contains(bytes[position]) else {
      while position < bytes.count, !",]} \t\r\n".utf8.contains(bytes[position]) { position += 1 }
      return
    }
    var depth = 0
    repeat {
      guard position < bytes.count else {
        throw CaptionFault(startLine, "what begins here has no end; is the file whole?")
      }
      try step(&depth)
    } while depth > 0
  }

  /// Passes a string, a bracket, or another byte.
  private mutating func step(_ depth: inout Int) throws(CaptionFault) {
    switch bytes[position] {
    case UInt8(ascii: "\""):
      let startLine = line
      position += 1
      while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
        if bytes[position] == .newline { line += 1 }
        position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
      }
      guard position < bytes.count else {
        throw CaptionFault(startLine, "a string that does not end; is the file whole?")
      }
    case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
    case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
    case .newline: line += 1
    default: break
    }
    position += 1
  }

  private mutating func skipWhiteSpace() {
    while position < bytes.count, bytes[position].isWhiteSpace {
      if bytes[position] == .newline { line += 1 }
      position += 1
    }
  }

  private func unexpected(_ wanted: String) -> CaptionFault {
    guard position < bytes.count else {
      return CaptionFault(line, "the file ends where \(wanted) was expected; is it whole?")
    }
    let found = Character(UnicodeScalar(bytes[position]))
    return CaptionFault(line, "found '\(found)' where \(wanted) was expected")
  }
}

/// The picture's names and the captions of one JSON record.
struct JSONCaption: Decodable {
  let names: [String]
  let captions: [String]
  let isLabel: Bool
  let split: String?

  /// Decodes the record that begins in `line`.
  init(_ bytes: ArraySlice<UInt8>, line: Int) throws(CaptionFault) {
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(bytes))
    } catch let error as CaptionFault {
      throw CaptionFault(line, error.reason)
    } catch {
      throw CaptionFault(line, "the record that begins here is not JSON")
    }
  }

  init(from decoder: any Decoder) throws {
    let record = try decoder.container(keyedBy: Key.self)
    names = try Self.names(record)
    (captions, isLabel) = try Self.captions(record)
    // Only Karpathy's files have one, a string; whatever else has that name says nothing here.
    split = try? record.decode(String.self, forKey: Key(stringValue: "split"))
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private struct Sentence: Decodable { let raw: String }

  private static func names(
    _ record: KeyedDecodingContainer<Key>
  ) throws(CaptionFault) -> [String] {
    var names: [String: String] = [:]
    for key in CaptionFile.imageKeys {
      do {
        names[key] = try record.decodeIfPresent(String.self, forKey: Key(stringValue: key))
      } catch {
        throw CaptionFault(nil, "the record's \"\(key)\" is not a string")
      }
    }
    guard !names.isEmpty else {
      throw CaptionFault(nil, "a record without a picture; give it a key \"image\"")
    }
    if let folder = names["filepath"], let name = names["filename"] {
      // Karpathy's: "val2014" and "COCO_val2014_….jpg".
      return ["\(folder)/\(name)", name]
    }
    return CaptionFile.imageKeys.compactMap { names[$0] }
  }

  private static func captions(
    _ record: KeyedDecodingContainer<Key>
  ) throws(CaptionFault) -> ([String], isLabel: Bool) {
    for name in CaptionFile.captionKeys {
      let key = Key(stringValue: name)
      guard record.contains(key) else { continue }
      if let list = try? record.decode([String].self, forKey: key) {
        return (list, false)
      }
      if let caption = try? record.decode(String.self, forKey: key) {
        return ([caption], false)
      }
      throw CaptionFault(nil, "the record's \"\(name)\" is no string or list of them")
    }
    if let label = try? record.decode(String.self, forKey: Key(stringValue: "label")) {
      return ([label], true)
    }
    let key = Key(stringValue: "sentences")
    guard record.contains(key) else {
      throw CaptionFault(nil, "a record without captions; give it a key \"caption\"")
    }
    guard let sentences = try? record.decode([Sentence].self, forKey: key) else {
      throw CaptionFault(nil, "\"sentences\" is no list of objects with a string \"raw\"")
    }
    return (sentences.map(\.raw), false)
  }
}
