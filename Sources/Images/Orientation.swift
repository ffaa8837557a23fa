/// Finds the EXIF orientation (1...8) of a JPEG, PNG or WebP file; 1 if it is missing or malformed.
/// (libtiff reads that of TIFF files; libheif rotates HEIF pictures.)
enum Orientation {
  static func read(from bytes: [UInt8], format: ImageFormat) -> Int {
    let exif: ArraySlice<UInt8>? =
      switch format {
      case .jpeg: exifOfJPEG(bytes)
      case .png: exifOfPNG(bytes)
      case .webp: exifOfWebP(bytes)
      case .tiff, .gif, .heif, .avif: nil
      }
    return exif.flatMap(orientation) ?? 1
  }

  private static let exifPrefix: [UInt8] = Array("Exif\0\0".utf8)

  /// Searches the marker segments before the first scan for the APP1 segment with EXIF.
  private static func exifOfJPEG(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var at = 2
    while at + 4 <= bytes.count, bytes[at] == 0xFF {
      let marker = bytes[at + 1]
      if marker == 0xFF {  // A fill byte.
        at += 1
        continue
      }
      if marker == 0xDA || marker == 0xD9 { return nil }
      let length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
      guard length >= 2, at + 2 + length <= bytes.count else { return nil }
      let payload = bytes[at + 4..<at + 2 + length]
      if marker == 0xE1, payload.starts(with: exifPrefix) {
        return payload.dropFirst(exifPrefix.count)
      }
      at += 2 + length
    }
    return nil
  }

  /// The eXIf chunk, which may also follow the pixels.
  private static func exifOfPNG(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var at = 8
    while at + 12 <= bytes.count {
      let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - at - 12 else { return nil }
      if bytes[(at + 4)...].starts(with: "eXIf".utf8) { return bytes[at + 8..<at + 8 + length] }
      at += 12 + length
    }
    return nil
  }

  /// The EXIF chunk of the RIFF container; some writers add JPEG's prefix.
  private static func exifOfWebP(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var at = 12
    while at + 8 <= bytes.count {
      let length = bytes[at + 4..<at + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - at - 8 else { return nil }
      if bytes[at...].starts(with: "EXIF".utf8) {
        let chunk = bytes[at + 8..<at + 8 + length]
        return chunk.starts(with: exifPrefix) ? chunk.dropFirst(exifPrefix.count) : chunk
      }
      at += 8 + length + length % 2
    }
    return nil
  }

  /// Tag 274 of the first directory of an EXIF block, which is a small TIFF file.
  private static func orientation(inEXIF exif: ArraySlice<UInt8>) -> Int? {
    let littleEndian = exif.starts(with: [0x49, 0x49, 42, 0])
    guard littleEndian || exif.starts(with: [0x4D, 0x4D, 0, 42]) else { return nil }
    func number(at offset: Int, bytes count: Int) -> Int? {
      guard offset >= 0, offset <= exif.count - count else { return nil }
      let field = exif[exif.startIndex + offset..<exif.startIndex + offset + count]
      return littleEndian
        ? field.reversed().reduce(0) { $0 << 8 | Int($1) }
        : field.reduce(0) { $0 << 8 | Int($1) }
    }
    guard let directory = number(at: 4, bytes: 4), let entries = number(at: directory, bytes: 2)
    else { return nil }
    for entry in 0..<entries {
      let at = directory + 2 + entry * 12
      guard let tag = number(at: at, bytes: 2), let type = number(at: at + 2, bytes: 2) else {
        return nil
      }
      guard tag == 0x0112 else { continue }
      // A SHORT according to the standard; some writers use a LONG.
      let value = type == 4 ? number(at: at + 8, bytes: 4) : number(at: at + 8, bytes: 2)
      return value.flatMap { (1...8).contains($0) ? $0 : nil }
    }
    return nil
  }
}
