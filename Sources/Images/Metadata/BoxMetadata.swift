/// EXIF and XMP in files of boxes (ISO/IEC 14496-12): HEIF and AVIF have them as items (ISO/IEC 23008-12,
/// annex A), JPEG XL as boxes of their own (ISO/IEC 18181-2). What is damaged is left out.
struct BoxMetadata {
  /// A TIFF file.
  private(set) var exif: [UInt8]?
  /// An XMP packet.
  private(set) var xmp: [UInt8]?

  /// Of either block; cameras write some kilobytes.
  private static let maximumBytes = 16 << 20

  /// Finds the items of an HEIF or AVIF file.
  init(itemsOf bytes: [UInt8]) {
    var file = BoxCursor(bytes, bytes.indices)
    guard let meta = file.first("meta") else { return }
    var children = BoxCursor(bytes, meta)
    children.skip(4)
    var (information, locations, stored): (Range<Int>?, Range<Int>?, Range<Int>?)
    while let box = children.box() {
      switch box.type {
      case "iinf": information = box.body
      case "iloc": locations = box.body
      case "idat": stored = box.body
      default: break
      }
    }
    guard let information, let locations else { return }
    let items = Self.items(in: BoxCursor(bytes, information))
    let contents = Self.contents(
      of: Set([items.exif, items.xmp].compactMap(\.self)), in: BoxCursor(bytes, locations),
      stored: stored)
    exif = items.exif.flatMap { contents[$0] }.flatMap(Self.tiff)
    xmp = items.xmp.flatMap { contents[$0] }
  }

  /// Finds the boxes of a JPEG XL file; one without boxes has none.
  init(boxesOf bytes: [UInt8]) {
    var file = BoxCursor(bytes, bytes.indices)
    while let box = file.box() {
      guard box.body.count <= Self.maximumBytes else { continue }
      if box.type == "Exif" { exif = exif ?? Self.tiff(in: Array(bytes[box.body])) }
      if box.type == "xml " { xmp = xmp ?? Array(bytes[box.body]) }
    }
  }

  /// The TIFF file in an EXIF block, whose first number says where it begins.
  private static func tiff(in block: [UInt8]) -> [UInt8]? {
    var cursor = BoxCursor(block, block.indices)
    guard let start = cursor.number(4), start < cursor.rest.count else { return nil }
    return Array(block[(cursor.rest.lowerBound + start)...])
  }

  /// The numbers of the items that are EXIF and XMP, from an `iinf` box.
  private static func items(in box: BoxCursor) -> (exif: Int?, xmp: Int?) {
    var (exif, xmp): (Int?, Int?)
    var box = box
    guard let version = box.number(1) else { return (nil, nil) }
    box.skip(3 + (version == 0 ? 2 : 4))
    while let entry = box.box() {
      guard entry.type == "infe" else { continue }
      var fields = BoxCursor(box.bytes, entry.body)
      guard let version = fields.number(1), version == 2 || version == 3 else { continue }
      fields.skip(3)
      guard let id = fields.number(version == 2 ? 2 : 4), fields.number(2) == 0,
        let type = fields.type()
      else { continue }
      _ = fields.text()
      if type == "Exif" { exif = exif ?? id }
      if type == "mime", fields.text() == "application/rdf+xml" { xmp = xmp ?? id }
    }
    return (exif, xmp)
  }

  /// The bytes of items, from an `iloc` box.
  /// - Parameter stored: Where the bytes are that lie in the `meta` box itself.
  private static func contents(
    of wanted: Set<Int>, in box: BoxCursor, stored: Range<Int>?
  ) -> [Int: [UInt8]] {
    var found: [Int: [UInt8]] = [:]
    var box = box
    guard let version = box.number(1), version <= 2 else { return [:] }
    box.skip(3)
    guard let widths = box.number(2) else { return [:] }
    let (offset, length, base) = (widths >> 12, widths >> 8 & 15, widths >> 4 & 15)
    let index = version == 0 ? 0 : widths & 15
    box.skip(version < 2 ? 2 : 4)
    while let id = box.number(version < 2 ? 2 : 4) {
      let method = version == 0 ? 0 : (box.number(2) ?? 0) & 15
      box.skip(2)
      guard let start = box.number(base), let extents = box.number(2) else { break }
      let source = method == 0 ? box.bytes.indices : method == 1 ? stored : nil
      guard wanted.contains(id), found[id] == nil, let source else {
        box.skip(extents * (index + offset + length))
        continue
      }
      var bytes: [UInt8] = []
      for _ in 0..<extents {
        box.skip(index)
        guard let first = box.number(offset), let count = box.number(length) else { return found }
        let place = start.addingReportingOverflow(first).partialValue
        guard place >= 0, place <= source.count else { return found }
        let from = source.lowerBound + place
        let size = count == 0 ? source.upperBound - from : count
        guard size <= source.upperBound - from, size <= maximumBytes - bytes.count else {
          return found
        }
        bytes += box.bytes[from..<from + size]
      }
      found[id] = bytes
    }
    return found
  }
}

/// Reads big-endian numbers and boxes; nil at the end.
private struct BoxCursor {
  let bytes: [UInt8]
  private(set) var rest: Range<Int>

  init(_ bytes: [UInt8], _ range: Range<Int>) { (self.bytes, rest) = (bytes, range) }

  mutating func skip(_ count: Int) { rest = rest.dropFirst(count) }

  /// A number of up to 8 bytes that fits an `Int`; 0 of none.
  mutating func number(_ width: Int) -> Int? {
    guard width <= 8, width <= rest.count else { return nil }
    let value = bytes[rest.prefix(width)].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    skip(width)
    return Int(exactly: value)
  }

  /// A name of four characters.
  mutating func type() -> String? {
    guard rest.count >= 4 else { return nil }
    defer { skip(4) }
    return String(decoding: bytes[rest.prefix(4)], as: UTF8.self)
  }

  /// Text up to a null byte.
  mutating func text() -> String {
    let text = bytes[rest].prefix { $0 != 0 }
    skip(text.count + 1)
    return String(decoding: text, as: UTF8.self)
  }

  /// The next box.
  mutating func box() -> (type: String, body: Range<Int>)? {
    let whole = rest.count
    guard let short = number(4), let type = type() else { return nil }
    guard let size = short == 0 ? whole : short == 1 ? number(8) : short else { return nil }
    let count = size - (whole - rest.count)
    guard count >= 0, count <= rest.count else { return nil }
    defer { skip(count) }
    return (type, rest.prefix(count))
  }

  /// The first box of a type.
  mutating func first(_ type: String) -> Range<Int>? {
    while let box = box() { if box.type == type { return box.body } }
    return nil
  }
}
