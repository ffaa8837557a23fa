import CCodecs

/// The properties in a file's header; width and height are as stored, before orientation (for HEIC
/// and AVIF: after the file's own transformations, which the codec applies).
public struct ImageProperties: Sendable, Equatable {
  /// The format, by the file's first bytes.
  public let format: ImageFormat
  /// The stored size, in pixels.
  public let width, height: Int
  /// EXIF orientation, 1...8; already applied to the picture.
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
/// high byte.
public struct ImageDecoder: Sendable {
  /// The most pixels that a header may announce.
  public var maximumPixels: Int = 200_000_000
  /// The largest file, in bytes.
  public var maximumBytes: Int = 256 << 20

  /// A decoder with default limits, which admit any ordinary photograph.
  public init() {}

  /// File-name extensions (lower case) of the supported formats.
  public static let extensions: Set<String> = [
    "jpg", "jpeg", "png", "webp", "tif", "tiff", "gif", "heic", "heif", "avif",
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
    let properties = try probe(bytes)
    let reduction = reduction(of: properties, forSide: side)
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

  /// Reads only the header and checks it against the limits.
  public func probe(_ bytes: [UInt8]) throws(ImageError) -> ImageProperties {
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
      format == .tiff ? Int(header.orientation) : Orientation.read(from: bytes, format: format)
    return ImageProperties(format: format, width: width, height: height, orientation: orientation)
  }

  /// Only sizes divisible by the reduction are reduced: otherwise rounding up would stretch the
  /// picture by part of a pixel at the right and bottom, which changes the embedding.
  private func reduction(of properties: ImageProperties, forSide side: Int?) -> Int {
    guard properties.format == .jpeg, let side, side > 0 else { return 1 }
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
    }
  }
}
