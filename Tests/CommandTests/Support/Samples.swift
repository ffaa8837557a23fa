import FoundationEssentials
import Glibc
import Images
import TestSupport
import Testing

/// Small pictures that differ, drawn by arithmetic.
enum Drawing {
  /// A JPEG of coloured stripes and blobs; another number, another picture.
  static func jpeg(_ number: Int, width: Int = 96, height: Int = 64) -> [UInt8] {
    var pixels: [UInt8] = []
    let hue = Double(number) * 0.7
    for y in 0..<height {
      for x in 0..<width {
        let wave = Double(x * (number % 5 + 1)) / 17 + Double(y * (number % 3 + 1)) / 11
        for channel in 0..<3 {
          let value = 128 + 100 * sin(hue + 2.1 * Double(channel)) + 27 * sin(wave)
          pixels.append(UInt8(clamping: Int(value)))
        }
      }
    }
    return Picture(width: width, height: height, pixels: pixels).jpeg(quality: 90)
  }

  /// A JPEG of 8 × 6 fields of random colours: no two of them look alike.
  static func mosaic(_ number: Int) -> [UInt8] {
    var random = SplitMix64(seed: UInt64(number))
    let fields = (0..<8 * 6 * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
    var pixels: [UInt8] = []
    for y in 0..<48 {
      for x in 0..<64 {
        let field = 3 * (y / 8 * 8 + x / 8)
        pixels += fields[field..<field + 3]
      }
    }
    return Picture(width: 64, height: 48, pixels: pixels).jpeg(quality: 90)
  }

  /// The first bytes of a PNG of 60,000 × 60,000 pixels: signature, a header whose checksum is
  /// right, and a data chunk with nothing in it.
  static let hugePNG: [UInt8] =
    [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    + chunk("IHDR", [0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60, 8, 2, 0, 0, 0]) + chunk("IDAT", [])
    + chunk("IEND", [])

  private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + data
    return bigEndian(UInt32(data.count)) + body + bigEndian(crc(body))
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func crc(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }
}

/// A fresh folder with so many pictures, `picture-00.jpg` and on, and a place for their index.
struct Collection {
  let folder = TemporaryFolder()
  let pictures: String
  var index: String { folder.path + "/index" }

  init(pictures count: Int, captions: Bool = false) {
    pictures = folder.path + "/pictures"
    mkdir(pictures, 0o755)
    for number in 0..<count {
      add(Self.name(number), Drawing.jpeg(number))
      if captions {
        add(
          Self.name(number, "txt"), Array("\(Self.captions[number % Self.captions.count])\n".utf8))
      }
    }
  }

  static func name(_ number: Int, _ suffix: String = "jpg") -> String {
    "picture-\(number < 10 ? "0" : "")\(number).\(suffix)"
  }

  static let captions = ["blue stripes", "a red wall", "green waves & <ripples>", "pink \"dots\""]

  @discardableResult
  func add(_ name: String, _ bytes: [UInt8]) -> String {
    folder.write("pictures/" + name, bytes)
  }

  func remove(_ name: String) { unlink("\(pictures)/\(name)") }

  /// Indexes the folder.
  @discardableResult
  func update(_ options: String...) -> Outcome {
    BlipProcess(["index", pictures, "--index", index] + options).outcome()
  }

  /// What `blip info --json` says of the index.
  func info() throws -> Info {
    let outcome = blip("info", "--index", index, "--json", "--failures")
    return try #require(outcome.objects(Info.self).first, "\(outcome.errors)")
  }
}

/// An index of four captioned pictures that tests only read.
enum Shared {
  static let collection: Collection = {
    let collection = Collection(pictures: 4, captions: true)
    let outcome = collection.update("--name", "four")
    precondition(outcome.status == 0, outcome.errors)
    return collection
  }()
}

/// A line of `blip search --json`.
struct PictureLine: Decodable, Equatable {
  let path: String
  let location: String
  let cosine: Float
  let probability: Float?
  let itm: Float?
  let match_probability: Float?
  let captions: [String]?
  let improbable: Bool?
}

/// A line of `blip match --json`.
struct TextLine: Decodable, Equatable {
  let text: String
  let path: String?
  let cosine: Float
  let probability: Float?
  let itm: Float?
  let match_probability: Float?
}

/// The object of `blip info --json`.
struct Info: Decodable {
  struct Model: Decodable {
    let name: String
    let path: String
    let fingerprint: String
  }
  struct Table: Decodable {
    let name: String
    let entries: Int
    let bytes: Int
  }
  struct Failure: Decodable, Equatable {
    let path: String
    let reason: String
    let when: Int
  }
  struct Vectors: Decodable {
    let vectors: Int
    let kind: String
  }
  let index: String
  let name: String
  let picture_vectors: Vectors
  let text_vectors: Vectors
  let bytes_per_vector, text_bytes_per_picture: Int?
  let collection: String
  let model: Model
  let precision: String
  let image_size: Int
  let embedding_size: Int
  let features: String
  let pictures: Int
  let texts: Int
  let failures: Int
  let tables: [Table]
  let failed: [Failure]
}
