/// The supported image formats.
public enum ImageFormat: String, Sendable, CaseIterable {
  case jpeg, png, webp, tiff, gif, heif, avif, bmp
  case jpegXL = "jxl"
  case jpeg2000 = "jp2"
  /// The files of cameras: DNG, CR2, CR3, NEF, ARW, RAF, ORF, RW2 and others.
  case raw
}

extension ImageFormat {
  /// How many bytes of a file tell whether it is a picture, and mostly its format.
  package static let magicSize = 256

  /// Detects the format from the contents of a file, regardless of its name. Of the first
  /// ``magicSize`` bytes alone, RAW files of TIFF's structure are taken for TIFF.
  public init?(magicOf bytes: [UInt8]) {
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8) {
      self = .gif
    } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
      self = .webp
    } else if RawDetection.isRaw(bytes) {
      self = .raw
    } else if Self.tiffMagics.contains(where: { bytes.starts(with: $0) }) {
      self = .tiff
    } else if let format = Self.isoFormat(of: bytes) {
      self = format
    } else if Self.isBMP(bytes) {
      self = .bmp
    } else if Self.jpegXLMagics.contains(where: { bytes.starts(with: $0) }) {
      self = .jpegXL
    } else if Self.jpeg2000Magics.contains(where: { bytes.starts(with: $0) }) {
      self = .jpeg2000
    } else {
      return nil
    }
  }

  /// "II" or "MM", then 42 (TIFF) or 43 (BigTIFF) in that byte order.
  private static let tiffMagics: [[UInt8]] = [
    [0x49, 0x49, 42, 0], [0x4D, 0x4D, 0, 42], [0x49, 0x49, 43, 0], [0x4D, 0x4D, 0, 43],
  ]

  /// A bare codestream, and the container.
  private static let jpegXLMagics: [[UInt8]] = [
    [0xFF, 0x0A], [0, 0, 0, 12] + Array("JXL ".utf8) + [0x0D, 0x0A, 0x87, 0x0A],
  ]

  private static let jpeg2000Magics: [[UInt8]] = [
    [0xFF, 0x4F, 0xFF, 0x51], [0, 0, 0, 12] + Array("jP  ".utf8) + [0x0D, 0x0A, 0x87, 0x0A],
  ]

  /// "BM" begins many a text; the size of the second header is one of few.
  private static func isBMP(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: "BM".utf8) && bytes.count >= 18
      && [12, 16, 40, 52, 56, 64, 108, 124].contains(bytes[14])
      && bytes[15..<18].allSatisfy { $0 == 0 }
  }

  private static let heifBrands: Set<String> = [
    "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1",
  ]

  /// Reads the brands in the `ftyp` box of an ISO base media file: the major one, then the
  /// compatible ones.
  private static func isoFormat(of bytes: [UInt8]) -> ImageFormat? {
    guard bytes.count >= 16, bytes.dropFirst(4).starts(with: "ftyp".utf8) else { return nil }
    let size = bytes[0..<4].reduce(0) { $0 << 8 | Int($1) }
    let box = bytes[8..<min(max(size, 16), magicSize, bytes.count)]
    var brands: [String] = []
    for start in stride(from: 8, to: box.endIndex - 3, by: 4) where start != 12 {
      brands.append(String(decoding: box[start..<start + 4], as: UTF8.self))
    }
    if brands.contains(where: { $0 == "avif" || $0 == "avis" }) { return .avif }
    return brands.contains(where: heifBrands.contains) ? .heif : nil
  }
}

extension ImageFormat {
  /// How people call the format.
  package var displayName: String {
    switch self {
    case .jpeg, .png, .tiff, .gif, .avif, .bmp, .raw: rawValue.uppercased()
    case .webp: "WebP"
    case .heif: "HEIC"
    case .jpegXL: "JPEG XL"
    case .jpeg2000: "JPEG 2000"
    }
  }
}

extension ImageFormat {
  /// The format that a person means by a name, upper or lower case; nil where there is none.
  public init?(named name: String) {
    switch name.lowercased() {
    case "jpg": self = .jpeg
    case "tif": self = .tiff
    case "heic": self = .heif
    case let name: self.init(rawValue: name)
    }
  }

  /// All formats in a sentence, "jpeg, png or webp".
  public static var names: String {
    let names = allCases.map(\.rawValue)
    return names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
  }
}
