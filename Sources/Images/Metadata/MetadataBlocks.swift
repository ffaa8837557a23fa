/// A file reduced to what may hold EXIF, IPTC or XMP: a small file without pixels, so that little goes
/// through the socket of a decoding process.
enum MetadataBlocks {
  /// Nil if the file has no such blocks.
  static func extract(from bytes: [UInt8], format: ImageFormat) -> [UInt8]? {
    switch format {
    case .jpeg: ofJPEG(bytes)
    case .png: ofPNG(bytes)
    case .webp: ofWebP(bytes)
    case .heif, .avif: webP(BoxMetadata(itemsOf: bytes))
    case .jpegXL: webP(BoxMetadata(boxesOf: bytes))
    // Directories of these may be anywhere.
    case .tiff, .jpeg2000, .raw: bytes
    case .gif, .bmp: nil
    }
  }

  /// The APP1 (EXIF, XMP) and APP13 (IPTC) segments before the first scan.
  private static func ofJPEG(_ bytes: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = [0xFF, 0xD8]
    FileBlocks.visitJPEG(bytes) { marker, payload in
      // With the marker and the length before it.
      if marker == 0xE1 || marker == 0xED {
        result += bytes[payload.startIndex - 4..<payload.endIndex]
      }
      return true
    }
    return result.count > 2 ? result + [0xFF, 0xD9] : nil
  }

  /// The header and the chunks of texts and EXIF.
  private static func ofPNG(_ bytes: [UInt8]) -> [UInt8]? {
    let kept = ["tEXt", "zTXt", "iTXt", "eXIf"].map { Array($0.utf8) }
    var result = Array(bytes.prefix(8))
    var found = false
    FileBlocks.visitPNG(bytes) { type, payload in
      let isText = kept.contains(Array(type))
      found = found || isText
      // With the length and the type before it, and the checksum after it.
      if isText || type.elementsEqual("IHDR".utf8) {
        result += bytes[payload.startIndex - 8..<payload.endIndex + 4]
      }
      return true
    }
    return found
      ? result + [0, 0, 0, 0] + Array("IEND".utf8) + [0xAE, 0x42, 0x60, 0x82] : nil
  }

  /// The EXIF and XMP chunks of the RIFF container.
  private static func ofWebP(_ bytes: [UInt8]) -> [UInt8]? {
    var chunks: [UInt8] = []
    FileBlocks.visitWebP(bytes) { type, payload in
      if type.elementsEqual("EXIF".utf8) || type.elementsEqual("XMP ".utf8) {
        chunks += bytes[type.startIndex..<payload.endIndex] + (payload.count % 2 == 1 ? [0] : [])
      }
    }
    return webP(chunks)
  }

  /// A WebP file of EXIF and XMP alone: libexiv2 reads files of boxes only where it was built for that, and
  /// then not all of them.
  private static func webP(_ metadata: BoxMetadata) -> [UInt8]? {
    var chunks: [UInt8] = []
    for (type, block) in [("EXIF", metadata.exif), ("XMP ", metadata.xmp)] {
      guard let block else { continue }
      chunks += Array(type.utf8) + littleEndian(block.count) + block
      if block.count % 2 == 1 { chunks.append(0) }
    }
    return webP(chunks)
  }

  private static func webP(_ chunks: [UInt8]) -> [UInt8]? {
    guard !chunks.isEmpty else { return nil }
    return Array("RIFF".utf8) + littleEndian(chunks.count + 4) + Array("WEBP".utf8) + chunks
  }

  private static func littleEndian(_ number: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(number).littleEndian) { Array($0) }
  }
}
