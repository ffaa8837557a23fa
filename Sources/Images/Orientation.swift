/// Finds the orientation (1...8) of a JPEG, PNG or WebP file: that of EXIF, else that of XMP, else 1.
/// (libtiff and LibRaw read that of their files; libheif and libjxl rotate pictures.)
enum Orientation {
  static func read(from bytes: [UInt8], format: ImageFormat) -> Int {
    var (exif, xmp): (ArraySlice<UInt8>?, ArraySlice<UInt8>?)
    switch format {
    case .jpeg:
      FileBlocks.visitJPEG(bytes) { marker, payload in
        guard marker == 0xE1 else { return true }
        if exif == nil, payload.starts(with: exifPrefix) {
          exif = payload.dropFirst(exifPrefix.count)
        } else if payload.starts(with: "http://ns.adobe.com/xap/1.0/\0".utf8) {
          xmp = payload
        }
        return true
      }
    case .png:
      // Both may also follow the pixels.
      FileBlocks.visitPNG(bytes) { type, payload in
        if exif == nil, type.elementsEqual("eXIf".utf8) { exif = payload }
        if type.elementsEqual("iTXt".utf8), payload.starts(with: "XML:com.adobe.xmp\0".utf8) {
          xmp = payload
        }
        return true
      }
    case .webp:
      FileBlocks.visitWebP(bytes) { type, payload in
        if exif == nil, type.elementsEqual("EXIF".utf8) {
          // Some writers add JPEG's prefix.
          exif = payload.starts(with: exifPrefix) ? payload.dropFirst(exifPrefix.count) : payload
        }
        if type.elementsEqual("XMP ".utf8) { xmp = payload }
      }
    case .tiff, .gif, .heif, .avif, .bmp, .jpegXL, .jpeg2000, .raw: break
    }
    return exif.flatMap(orientation(inEXIF:)) ?? xmp.flatMap(orientation(inXMP:)) ?? 1
  }

  private static let exifPrefix: [UInt8] = Array("Exif\0\0".utf8)

  /// The attribute or element `tiff:Orientation`.
  private static func orientation(inXMP xmp: ArraySlice<UInt8>) -> Int? {
    guard let name = xmp.firstRange(of: Array("tiff:Orientation".utf8)) else { return nil }
    // ="6", = '6' or >6<
    let value = xmp[name.upperBound...].prefix(8).drop { " \t\r\n=\"'>".utf8.contains($0) }
    guard let digit = value.first, (UInt8(ascii: "1")...UInt8(ascii: "8")).contains(digit),
      let end = value.dropFirst().first, "\"'< \t\r\n".utf8.contains(end)
    else { return nil }
    return Int(digit - UInt8(ascii: "0"))
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
