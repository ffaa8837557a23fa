/// A request to a decoding process.
struct DecodingRequest {
  /// What is wanted of a file.
  enum Kind: Int {
    case picture
    case details
    /// The words that it shows; of no bytes, whether such can be read.
    case text
  }

  let kind: Kind
  let side: Int?
  let bytes: [UInt8]

  /// The size of the header: the length of the file, the side (0 for none), and the kind (0: the
  /// picture, 1: its details, 2: its text), u64 each.
  static let headerSize = 24

  var header: [UInt8] {
    littleEndian(bytes.count) + littleEndian(side ?? 0) + littleEndian(kind.rawValue)
  }

  /// The length, side and kind in a header; nil if there is no such kind.
  static func read(_ header: [UInt8]) -> (count: Int, side: Int?, kind: Kind)? {
    guard let kind = Kind(rawValue: integer(header[16..<24])) else { return nil }
    let side = integer(header[8..<16])
    return (integer(header[0..<8]), side == 0 ? nil : side, kind)
  }
}

/// The response of a decoding process.
enum DecodingResponse {
  case picture(Picture, ImageProperties)
  case details(PictureDetails)
  case text(String)
  /// The description of an ``ImageError``.
  case failure(String)

  /// Whether it may follow a request of this kind.
  func answers(_ kind: DecodingRequest.Kind) -> Bool {
    switch self {
    case .picture: kind == .picture
    case .details: kind == .details
    case .text: kind == .text
    case .failure: true
    }
  }

  /// The size of the header, in fields of u64: the length of the body in bytes; whether the body is
  /// an error (0), a picture (1), details (2) or text in the picture (3); the picture's width and height; the index of its format;
  /// the stored width and height; the orientation.
  static let headerSize = 64

  var header: [UInt8] {
    let fields =
      switch self {
      case .failure(let text): [text.utf8.count, 0, 0, 0, 0, 0, 0, 0]
      case .details(let details): [details.encoded.count, 2, 0, 0, 0, 0, 0, 0]
      case .text(let text): [text.utf8.count, 3, 0, 0, 0, 0, 0, 0]
      case .picture(let picture, let properties):
        [
          picture.pixels.count, 1, picture.width, picture.height,
          ImageFormat.allCases.firstIndex(of: properties.format)!, properties.width,
          properties.height,
          properties.orientation,
        ]
      }
    return fields.flatMap(littleEndian)
  }

  var body: [UInt8] {
    switch self {
    case .failure(let text), .text(let text): Array(text.utf8)
    case .picture(let picture, _): picture.pixels
    case .details(let details): details.encoded
    }
  }

  /// The length of the body according to a header; nil if it is implausible. `limit`: the most
  /// pixels.
  static func bodySize(_ header: [UInt8], limit: Int) -> Int? {
    let count = integer(header[0..<8])
    switch integer(header[8..<16]) {
    case 1: break
    case 2: return count <= PictureDetails.maximumBytes ? count : nil
    case 3: return count <= ShownText.mostBytes ? count : nil
    default: return count <= 4096 ? count : nil
    }
    let (width, height) = (integer(header[16..<24]), integer(header[24..<32]))
    let (area, overflow) = width.multipliedReportingOverflow(by: height)
    return !overflow && area > 0 && area <= limit && count == 3 * area ? count : nil
  }

  /// Nil if the header is invalid.
  init?(_ header: [UInt8], body: [UInt8]) {
    let fields = stride(from: 8, to: Self.headerSize, by: 8).map { integer(header[$0..<$0 + 8]) }
    if fields[0] == 2 {
      guard let details = PictureDetails(encoded: body) else { return nil }
      self = .details(details)
      return
    }
    if fields[0] == 3 {
      guard let text = String(validating: body, as: UTF8.self), text == ShownText.cleaned(text)
      else { return nil }
      self = .text(text)
      return
    }
    guard fields[0] == 1 else {
      self = .failure(String(decoding: body, as: UTF8.self))
      return
    }
    let sides = 1...Int(Int32.max)
    guard ImageFormat.allCases.indices.contains(fields[3]), sides.contains(fields[4]),
      sides.contains(fields[5]), (1...8).contains(fields[6])
    else { return nil }
    self = .picture(
      Picture(width: fields[1], height: fields[2], pixels: body),
      ImageProperties(
        format: ImageFormat.allCases[fields[3]], width: fields[4], height: fields[5],
        orientation: fields[6]))
  }
}

private func littleEndian(_ value: Int) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// Values above `Int.max` are clamped.
private func integer(_ bytes: ArraySlice<UInt8>) -> Int {
  Int(clamping: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
}
