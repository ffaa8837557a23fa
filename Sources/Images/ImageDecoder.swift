import CCodecs

/// The properties in a file's header; width and height are as stored, before orientation (for HEIC,
/// AVIF and JPEG XL: after the file's own transformations, which the codec applies). Those of a RAW
/// file are of what is read: the preview, or the sensor's data at half size.
public struct ImageProperties: Sendable, Equatable {
  /// The format, by the file's first bytes.
  public let format: ImageFormat
  /// The stored size, in pixels.
  public let width, height: Int
  /// The orientation as in EXIF, 1...8; already applied to the picture.
  public let orientation: Int

  /// Properties as stated in a header.
  public init(format: ImageFormat, width: Int, height: Int, orientation: Int) {
    self.format = format
    self.width = width
    self.height = height
    self.orientation = orientation
  }
}

/// Decodes pictures of all supported formats, upright and composited over white.
///
/// The format is determined from the bytes, never from a file name, and the limits are checked
/// before memory for the pixels is allocated. Colours are converted as in Pillow: palettes and CMYK
/// as by `convert("RGB")`, alpha as by `Image.alpha_composite` over white, 16-bit samples by their
/// high byte. If the file has an ICC profile, its colours are converted to sRGB by lcms2 (where that
/// is installed); those of a profile that is practically sRGB are left as they are.
///
/// Of several pictures, one is read: the first of a GIF, WebP or JPEG XL animation and of an MPO
/// file, the main one of a HEIC file, and the first page of a TIFF file that is no thumbnail. Of a RAW
/// file it is the preview that the camera made, if it is large enough.
public struct ImageDecoder: Sendable {
  /// The most pixels that a header may announce.
  public var maximumPixels: Int = 200_000_000
  /// The largest file, in bytes.
  public var maximumBytes: Int = 256 << 20

  /// A decoder with default limits, which admit any ordinary photograph.
  public init() {}

  /// File-name extensions (lower case) of the supported formats, other than RAW.
  public static let extensions: Set<String> = [
    "jpg", "jpeg", "jpe", "jfif", "jif", "mpo", "png", "apng", "webp", "tif", "tiff", "gif",
    "heic", "heif", "hif", "heics", "heifs", "avif", "avifs", "bmp", "dib", "jxl", "jp2", "j2k",
    "jpf", "jpx", "jpm", "j2c", "jpc",
  ]

  /// Decodes the picture in `bytes`.
  ///
  /// - Parameter side: The picture will be resized to side × side, so a large JPEG is decoded at
  ///   1/2, 1/4 or 1/8 of its size as long as both sides remain at least three times `side`. With
  ///   the default model this preserves the embedding (cosine above 0.999); twice the side does not
  ///   always.
  public func decode(_ bytes: [UInt8], forSide side: Int?) throws(ImageError) -> (
    picture: Picture, properties: ImageProperties
  ) {
    let (properties, isReducible) = try header(of: bytes)
    let reduction = isReducible ? reduction(of: properties, forSide: side) : 1
    let (width, height) = (properties.width / reduction, properties.height / reduction)
    var outcome = CodecOutcome()
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, count in
      outcome = CodecOutcome { message in
        codec_decode(
          properties.format.codec, bytes, bytes.count, UInt32(reduction), UInt32(width),
          UInt32(height),
          target.baseAddress, message)
      }
      count = outcome.status == codec_ok ? width * height * 3 : 0
    }
    try outcome.check(properties.format)
    let stored = Picture(width: width, height: height, pixels: pixels)
    return (stored.upright(from: properties.orientation), properties)
  }

  /// What the file says of itself in EXIF, IPTC and XMP; empty if it says nothing, if that cannot be
  /// read, or if libgexiv2 is not installed.
  public func details(of bytes: [UInt8]) -> PictureDetails {
    guard bytes.count <= maximumBytes, let format = ImageFormat(magicOf: bytes),
      let blocks = MetadataBlocks.extract(from: bytes, format: format)
    else { return PictureDetails() }
    return MetadataReader.details(of: blocks)
  }

  /// Throws unless text in pictures can be read.
  public func requireTextReading() throws(TextReadingError) { try TextReader.start() }

  /// The words that the picture in `bytes` shows, separated by spaces; empty if there are none, or if the
  /// picture cannot be decoded.
  public func text(in bytes: [UInt8]) throws(TextReadingError) -> String {
    guard let picture = try? decode(bytes, forSide: TextReader.decodingSide).picture else {
      return ""
    }
    return try TextReader.text(in: picture)
  }

  /// Reads only the header and checks it against the limits.
  public func probe(_ bytes: [UInt8]) throws(ImageError) -> ImageProperties {
    try header(of: bytes).properties
  }

  private func header(of bytes: [UInt8]) throws(ImageError) -> (
    properties: ImageProperties, isReducible: Bool
  ) {
    guard bytes.count <= maximumBytes else {
      throw .tooManyBytes(bytes.count, limit: maximumBytes)
    }
    guard let format = ImageFormat(magicOf: bytes) else { throw .notAPicture }
    var header = codec_header()
    let outcome = CodecOutcome { message in
      codec_probe(format.codec, bytes, bytes.count, &header, message)
    }
    try outcome.check(format)
    let (width, height) = (Int(header.width), Int(header.height))
    let (area, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, area <= maximumPixels else {
      throw .tooLarge(width: width, height: height, limit: maximumPixels)
    }
    let orientation =
      format == .tiff || format == .raw
      ? Int(header.orientation) : Orientation.read(from: bytes, format: format)
    let properties = ImageProperties(
      format: format, width: width, height: height, orientation: orientation)
    return (properties, header.reducible)
  }

  /// Only sizes divisible by the reduction are reduced: otherwise rounding up would stretch the
  /// picture by part of a pixel at the right and bottom, which changes the embedding.
  private func reduction(of properties: ImageProperties, forSide side: Int?) -> Int {
    guard let side, side > 0 else { return 1 }
    return [8, 4, 2].first { reduction in
      properties.width.isMultiple(of: reduction) && properties.height.isMultiple(of: reduction)
        && min(properties.width, properties.height) / reduction / 3 >= side
    } ?? 1
  }
}

/// The result of a call to CCodecs.
private struct CodecOutcome {
  var status = codec_ok
  var message = ""

  init() {}

  init(_ call: (UnsafeMutablePointer<CChar>) -> codec_status) {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(codec_message_size)) {
      $0.initialize(repeating: 0)
      status = call($0.baseAddress!)
      message = String(cString: $0.baseAddress!)
    }
  }

  func check(_ format: ImageFormat) throws(ImageError) {
    switch status {
    case codec_ok: return
    case codec_truncated: throw .truncated(format)
    default: throw .corrupt(format, message.isEmpty ? "the data are damaged" : message)
    }
  }
}

extension ImageFormat {
  fileprivate var codec: codec_format {
    switch self {
    case .jpeg: codec_jpeg
    case .png: codec_png
    case .webp: codec_webp
    case .tiff: codec_tiff
    case .gif: codec_gif
    case .heif, .avif: codec_heif
    case .bmp: codec_bmp
    case .jpegXL: codec_jpeg_xl
    case .jpeg2000: codec_jpeg_2000
    case .raw: codec_raw
    }
  }
}
