/// The blocks of files in which metadata lie, in order; damage ends a walk.
enum FileBlocks {
  /// Visits the marker segments of a JPEG file before its first scan, until `body` returns false.
  static func visitJPEG(
    _ bytes: [UInt8], _ body: (_ marker: UInt8, _ payload: ArraySlice<UInt8>) -> Bool
  ) {
    var at = 2
    while at + 4 <= bytes.count, bytes[at] == 0xFF {
      let marker = bytes[at + 1]
      if marker == 0xFF {  // A fill byte.
        at += 1
        continue
      }
      if marker == 0xDA || marker == 0xD9 { return }
      let length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
      guard length >= 2, at + 2 + length <= bytes.count else { return }
      guard body(marker, bytes[at + 4..<at + 2 + length]) else { return }
      at += 2 + length
    }
  }

  /// Visits the chunks of a PNG file, until `body` returns false.
  static func visitPNG(
    _ bytes: [UInt8], _ body: (_ type: ArraySlice<UInt8>, _ payload: ArraySlice<UInt8>) -> Bool
  ) {
    var at = 8
    while at + 12 <= bytes.count {
      let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - at - 12 else { return }
      guard body(bytes[at + 4..<at + 8], bytes[at + 8..<at + 8 + length]) else { return }
      at += 12 + length
    }
  }

  /// Visits the chunks of a WebP file.
  static func visitWebP(
    _ bytes: [UInt8], _ body: (_ type: ArraySlice<UInt8>, _ payload: ArraySlice<UInt8>) -> Void
  ) {
    var at = 12
    while at + 8 <= bytes.count {
      let length = bytes[at + 4..<at + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - at - 8 else { return }
      body(bytes[at..<at + 4], bytes[at + 8..<at + 8 + length])
      at += 8 + length + length % 2
    }
  }

  /// Whether a JPEG or PNG file has an ICC profile.
  static func hasColourProfile(_ bytes: [UInt8], format: ImageFormat) -> Bool {
    var found = false
    switch format {
    case .jpeg:
      visitJPEG(bytes) { marker, payload in
        found = marker == 0xE2 && payload.starts(with: "ICC_PROFILE\0".utf8)
        return !found
      }
    case .png:
      visitPNG(bytes) { type, _ in
        found = type.elementsEqual("iCCP".utf8)
        return !found && !type.elementsEqual("IDAT".utf8)
      }
    default: break
    }
    return found
  }
}
