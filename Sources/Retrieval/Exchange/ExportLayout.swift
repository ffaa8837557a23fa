import Digests
import Files
import FoundationEssentials
import Store

// An export is a folder in the layout of clip-retrieval, with a file that says what it is of:
//
//   blip.json                              whose embeddings these are (ExportManifest)
//   img_emb/img_emb_0.npy                  a row for each picture, float32
//   metadata/metadata_0.jsonl              an object for each of these rows (PictureRow)
//   text_emb/text_emb_0.npy                a row for each text
//   text_metadata/text_metadata_0.jsonl    an object for each of these rows (TextRow)
//
// clip-retrieval has one caption a picture, so that its text_emb needs no metadata; here a picture
// has any number. Failures, patch features and the vector index stay behind: they are made again.

/// What lies where in an export.
enum ExportLayout {
  static let manifest = "blip.json"
  static let pictures = "img_emb"
  static let pictureMetadata = "metadata"
  static let texts = "text_emb"
  static let textMetadata = "text_metadata"
  static let embeddingSuffix = ".npy"
  static let metadataSuffix = ".jsonl"

  /// The file of a folder's first part; `folder` names both.
  static func firstPart(_ folder: String, _ suffix: String) -> String {
    "\(folder)/\(folder)_0\(suffix)"
  }
}

/// `blip.json`: the model that the embeddings are of, and how many there are.
struct ExportManifest: Codable, Equatable {
  static let currentVersion = 1
  static let maximumBytes = 1 << 20

  struct Model: Codable, Equatable {
    var name: String
    /// Where it lay.
    var path: String
    var fingerprint: String
  }

  var version = currentVersion
  var name: String
  var collection: String
  /// All roots, where there are several; the paths of pictures are absolute then.
  var roots: [String]?
  var model: Model
  var precision: String
  var embeddingSize: Int
  var pictures: Int
  var texts: Int

  private enum CodingKeys: String, CodingKey {
    case version, name, collection, roots, model, precision
    case embeddingSize = "embedding_size"
    case pictures, texts
  }
}

/// A line of `metadata`: a picture as its index holds it. The first keys are clip-retrieval's.
struct PictureRow: Codable, Equatable {
  let place: PicturePlace
  /// The first of the captions, which clip-retrieval shows.
  let caption: String?
  let captions: [String]?
  let width: Int
  let height: Int
  let orientation: Int
  let size: UInt64
  /// Nanoseconds since 1970.
  let modified: Int64
  /// Hexadecimal.
  let sha256: String

  private enum CodingKeys: String, CodingKey {
    case caption, captions, width, height, orientation, size, modified, sha256
  }

  /// - Parameter name: What the picture is called.
  init(_ record: PictureRecord, name: [UInt8], captions: [String]) {
    place = PicturePlace(name)
    caption = captions.first
    self.captions = captions.isEmpty ? nil : captions
    (width, height, orientation) = (record.width, record.height, record.orientation)
    (size, modified) = (record.size, record.modified)
    sha256 = hexadecimal(record.contentHash)
  }

  init(from decoder: any Decoder) throws {
    place = try PicturePlace(from: decoder)
    let row = try decoder.container(keyedBy: CodingKeys.self)
    caption = try row.decodeIfPresent(String.self, forKey: .caption)
    captions = try row.decodeIfPresent([String].self, forKey: .captions)
    width = try row.decode(Int.self, forKey: .width)
    height = try row.decode(Int.self, forKey: .height)
    orientation = try row.decode(Int.self, forKey: .orientation)
    size = try row.decode(UInt64.self, forKey: .size)
    modified = try row.decode(Int64.self, forKey: .modified)
    sha256 = try row.decode(String.self, forKey: .sha256)
  }

  func encode(to encoder: any Encoder) throws {
    try place.encode(to: encoder)
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encodeIfPresent(caption, forKey: .caption)
    try row.encodeIfPresent(captions, forKey: .captions)
    try row.encode(width, forKey: .width)
    try row.encode(height, forKey: .height)
    try row.encode(orientation, forKey: .orientation)
    try row.encode(size, forKey: .size)
    try row.encode(modified, forKey: .modified)
    try row.encode(sha256, forKey: .sha256)
  }

  /// The record, of which what it says has still to be checked.
  var record: PictureRecord {
    PictureRecord(
      path: place.path, size: size, modified: modified, contentHash: bytes(ofHexadecimal: sha256),
      width: width, height: height, orientation: orientation)
  }
}

/// Which picture a line of metadata is about. A path that is not UTF-8 stands in `image_path` as it is
/// shown and in `image_path_base64` byte by byte, which then counts.
struct PicturePlace: Codable, Equatable {
  let path: [UInt8]

  private enum CodingKeys: String, CodingKey {
    case text = "image_path"
    case base64 = "image_path_base64"
  }

  init(_ path: [UInt8]) { self.path = path }

  init(from decoder: any Decoder) throws {
    let row = try decoder.container(keyedBy: CodingKeys.self)
    if let base64 = try row.decodeIfPresent(String.self, forKey: .base64) {
      guard let bytes = Data(base64Encoded: base64) else {
        throw DecodingError.dataCorruptedError(
          forKey: .base64, in: row, debugDescription: "not base 64")
      }
      path = Array(bytes)
    } else {
      path = Array(try row.decode(String.self, forKey: .text).utf8)
    }
  }

  func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    if let text = String(validating: path, as: UTF8.self) {
      try row.encode(text, forKey: .text)
    } else {
      try row.encode(printable(path), forKey: .text)
      try row.encode(Data(path).base64EncodedString(), forKey: .base64)
    }
  }
}

/// A line of metadata that was made elsewhere: only what clip-retrieval's own says is taken.
struct ClipRetrievalRow: Decodable {
  let place: PicturePlace
  let caption: String?

  private enum CodingKeys: String, CodingKey { case caption }

  init(from decoder: any Decoder) throws {
    place = try PicturePlace(from: decoder)
    caption = try decoder.container(keyedBy: CodingKeys.self)
      .decodeIfPresent(String.self, forKey: .caption)
  }
}

/// A line of `text_metadata`.
struct TextRow: Codable, Equatable {
  let caption: String
  /// The row of the picture that it is about, from 0; texts stand in the order of their pictures, and
  /// those of no picture at the end.
  let imageRow: Int?
  let source: String
  /// Of a synthetic text: which model made it, and how.
  let captioner: String?

  private enum CodingKeys: String, CodingKey {
    case caption
    case imageRow = "image_row"
    case source, captioner
  }

  init(_ record: TextRecord, imageRow: Int?) {
    (caption, self.imageRow) = (record.text, imageRow)
    switch record.source {
    case .captions: (source, captioner) = ("captions", nil)
    case .sidecar: (source, captioner) = ("sidecar", nil)
    case .synthetic(let by): (source, captioner) = ("synthetic", by)
    }
  }

  /// Where the text is from; nil where the row says nothing that an export writes.
  var textSource: TextSource? {
    switch (source, captioner) {
    case ("captions", nil): .captions
    case ("sidecar", nil): .sidecar
    case ("synthetic", let by?): .synthetic(by: by)
    default: nil
    }
  }
}

/// The bytes of pairs of hexadecimal digits; nothing where they are none.
private func bytes(ofHexadecimal text: String) -> [UInt8] {
  let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
  guard digits.count.isMultiple(of: 2), !digits.contains(nil) else { return [] }
  return stride(from: 0, to: digits.count, by: 2).map {
    UInt8(digits[$0]! << 4 | digits[$0 + 1]!)
  }
}

/// The object of one line: keys in alphabetical order, so that the same index gives the same files.
func jsonLine(_ row: some Encodable) throws -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return Array(try encoder.encode(row)) + [.newline]
}
