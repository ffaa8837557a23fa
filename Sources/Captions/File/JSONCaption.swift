internal import Files
import FoundationEssentials

/// What is decoded from one object of a captions file.
protocol JSONRecord: Decodable {}

extension JSONRecord {
  /// Decodes an object. `isMended`: lone surrogates in it were replaced.
  static func decode(_ bytes: ArraySlice<UInt8>) throws(RecordFault) -> (Self, isMended: Bool) {
    guard bytes.first == UInt8(ascii: "{") else {
      throw RecordFault("no object {\"image\": …, \"caption\": …}")
    }
    guard CaptionEncoding.isUTF8(bytes) else { throw RecordFault("text that is not UTF-8") }
    let mended = MendedJSON(bytes)
    do {
      let record = try JSONDecoder().decode(Self.self, from: Data(mended.bytes))
      return (record, mended.replacesSurrogates)
    } catch {
      throw error as? RecordFault ?? RecordFault("the record that begins here is not JSON")
    }
  }
}

/// The picture's names and the captions of one record.
struct JSONCaption: JSONRecord {
  let names: [String]
  let captions: JSONTexts
  let isLabel: Bool
  let split: String?

  init(from decoder: any Decoder) throws {
    let record = try decoder.container(keyedBy: JSONKey.self)
    names = try record.pictureNames()
    let captions = try record.captions()
    // What is said of the picture comes before the name of what it shows.
    if captions?.isUsable != true, let label = record.string("label") {
      self.captions = JSONTexts(texts: [label])
      isLabel = true
    } else {
      guard let captions else {
        throw RecordFault("a record without captions; give it a key \"caption\"")
      }
      self.captions = captions
      isLabel = false
    }
    // Only Karpathy's files have one, a string; whatever else has that name says nothing here.
    split = record.string("split")
  }
}

/// An image of COCO's JSON.
struct JSONImage: JSONRecord {
  let id: String
  let names: [String]

  init(from decoder: any Decoder) throws {
    let record = try decoder.container(keyedBy: JSONKey.self)
    names = try record.pictureNames()
    id = try record.id("id")
  }
}

/// An annotation of COCO's JSON.
struct JSONAnnotation: JSONRecord {
  let image: String
  let captions: JSONTexts

  init(from decoder: any Decoder) throws {
    let record = try decoder.container(keyedBy: JSONKey.self)
    image = try record.id("image_id")
    guard let captions = try record.captions() else {
      throw RecordFault("an annotation without a caption; give it a key \"caption\"")
    }
    self.captions = captions
  }
}

/// The captions that a key holds: one, a list, or Karpathy's list of objects; what cannot be used is a
/// fault.
struct JSONTexts: Decodable {
  private(set) var texts: [String] = []
  private(set) var faults: [String] = []

  init(texts: [String]) { self.texts = texts }

  /// Whether it is what a caption should be, though it may be an empty list.
  var isUsable: Bool { faults.isEmpty || !texts.isEmpty }

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    let key = decoder.codingPath.last?.stringValue ?? ""
    if value.decodeNil() {
      faults = ["\"\(key)\" is null"]
    } else if let text = try? value.decode(String.self) {
      texts = [text]
    } else if let elements = try? value.decode([Element].self) {
      texts = elements.compactMap(\.text)
      faults = elements.compactMap(\.fault).map { "\"\(key)\" holds \($0)" }
    } else {
      faults = ["\"\(key)\" is no string or list of them"]
    }
  }

  private struct Element: Decodable {
    var text: String?
    var fault: String?

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if value.decodeNil() {
        fault = "null"
      } else if let text = try? value.decode(String.self) {
        self.text = text
      } else if let object = try? decoder.container(keyedBy: JSONKey.self) {
        text = object.string("raw")
        if text == nil { fault = "an object without a string \"raw\"" }
      } else {
        fault = "something other than a string"
      }
    }
  }
}

/// A key of any name.
struct JSONKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer<JSONKey> {
  /// Nil where the key is not there or holds something else.
  fileprivate func string(_ key: String) -> String? {
    try? decode(String.self, forKey: JSONKey(stringValue: key))
  }

  /// A number or a string.
  fileprivate func id(_ name: String) throws(RecordFault) -> String {
    let key = JSONKey(stringValue: name)
    if let number = try? decode(Int64.self, forKey: key) { return String(number) }
    guard let id = string(name) else {
      throw RecordFault("a record whose \"\(name)\" is no number or string")
    }
    return id
  }

  fileprivate func pictureNames() throws(RecordFault) -> [String] {
    var names: [String: String] = [:]
    for key in CaptionFile.imageKeys {
      if let name = string(key), !name.isEmpty { names[key] = name }
    }
    guard !names.isEmpty else {
      if let key = CaptionFile.imageKeys.first(where: { contains(JSONKey(stringValue: $0)) }) {
        throw RecordFault("the record's \"\(key)\" is no string with a name")
      }
      throw RecordFault("a record without a picture; give it a key \"image\"")
    }
    if let folder = names["filepath"], let name = names["filename"] {
      // Karpathy's: "val2014" and "COCO_val2014_….jpg".
      return ["\(folder)/\(name)", name]
    }
    return CaptionFile.imageKeys.compactMap { names[$0] }
  }

  /// Those of the first key that has any; nil where no key is there.
  fileprivate func captions() throws -> JSONTexts? {
    var unusable: JSONTexts?
    for name in CaptionFile.captionKeys + ["sentences"] {
      let key = JSONKey(stringValue: name)
      guard contains(key) else { continue }
      let captions = try decode(JSONTexts.self, forKey: key)
      if captions.isUsable { return captions }
      unusable = unusable ?? captions
    }
    return unusable
  }
}
