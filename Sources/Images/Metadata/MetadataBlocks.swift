/// A file reduced to what may hold EXIF, IPTC or XMP: a small file of the same format without its
/// pixels, so that little goes through the socket of a decoding process.
enum MetadataBlocks {
  /// Nil if the file has no such blocks.
  static func extract(from bytes: [UInt8], format: ImageFormat) -> [UInt8]? {
    switch format {
    case .jpeg: ofJPEG(bytes)
    case .png: ofPNG(bytes)
    case .webp: ofWebP(bytes)
    // Directories of these may be anywhere.
    case .tiff, .heif, .avif, .jpegXL, .jpeg2000, .raw: bytes
    case .gif, .bmp: nil
    }
  }

  /// The APP1 (EXIF, XMP) and APP13 (IPTC) segments before the first scan.
  private static func ofJPEG(_ bytes: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = [0xFF, 0xD8]
    var at = 2
    while at + 4 <= bytes.count, bytes[at] == 0xFF {
      let marker = bytes[at + 1]
      if marker == 0xFF {  // A fill byte.
        at += 1
        continue
      }
      if marker == 0xDA || marker == 0xD9 { break }
      let length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
      guard length >= 2, at + 2 + length <= bytes.count else { break }
      if marker == 0xE1 || marker == 0xED { result += bytes[at..<at + 2 + length] }
      at += 2 + length
    }
    return result.count > 2 ? result + [0xFF, 0xD9] : nil
  }

  /// The header and the chunks of texts and EXIF.
  private static func ofPNG(_ bytes: [UInt8]) -> [UInt8]? {
    let kept = ["tEXt", "zTXt", "iTXt", "eXIf"].map { Array($0.utf8) }
    var result = Array(bytes.prefix(8))
    var found = false
    var at = 8
    while at + 12 <= bytes.count {
      let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - at - 12 else { break }
      let type = Array(bytes[at + 4..<at + 8])
      let isText = kept.contains(type)
      found = found || isText
      if isText || type == Array("IHDR".utf8) { result += bytes[at..<at + 12 + length] }
      at += 12 + length
    }
    return found
      ? result + [0, 0, 0, 0] + Array("IEND".utf8) + [0xAE, 0x42, 0x60, 0x82] : nil
  }

  /// The EXIF and XMP chunks of the RIFF container.
  private static func ofWebP(_ bytes: [UInt8]) -> [UInt8]? {
    var chunks: [UInt8] = []
    var at = 12
    while at + 8 <= bytes.count {
      let length = bytes[at + 4..<at + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - at - 8 else { break }
      if bytes[at...].starts(with: "EXIF".utf8) || bytes[at...].starts(with: "XMP ".utf8) {
        chunks += bytes[at..<at + 8 + length] + (length % 2 == 1 ? [0] : [])
      }
      at += 8 + length + length % 2
    }
    guard !chunks.isEmpty else { return nil }
    let size = (chunks.count + 4).littleEndian
    return Array("RIFF".utf8) + withUnsafeBytes(of: UInt32(size)) { Array($0) }
      + Array("WEBP".utf8) + chunks
  }
}
