/// Details as bytes, for the socket of a decoding process and for an index: fields in ascending
/// order of their tags, each a tag u8, a length u16 and so many bytes; nothing for what is not known.
/// Texts are UTF-8; the time is i64; coordinates are two i32 in units of 10⁻⁷ degrees.
extension PictureDetails {
  private enum Tag: UInt8 {
    case title = 1, description, keyword, taken, camera, place, coordinates
  }

  /// The most bytes that any details take.
  package static let maximumBytes = 1 << 16

  /// The fields that are known.
  package var encoded: [UInt8] {
    var bytes: [UInt8] = []
    func append(_ tag: Tag, _ value: some Collection<UInt8>) {
      bytes.append(tag.rawValue)
      bytes += [
        UInt8(truncatingIfNeeded: value.count), UInt8(truncatingIfNeeded: value.count >> 8),
      ]
      bytes += value
    }
    if let title { append(.title, title.utf8) }
    if let description { append(.description, description.utf8) }
    for keyword in keywords { append(.keyword, keyword.utf8) }
    if let taken { append(.taken, Self.littleEndian(taken)) }
    if let camera { append(.camera, camera.utf8) }
    for place in places { append(.place, place.utf8) }
    if let coordinates {
      append(
        .coordinates,
        Self.littleEndian(Int32((coordinates.latitude * 1e7).rounded()))
          + Self.littleEndian(Int32((coordinates.longitude * 1e7).rounded())))
    }
    return bytes
  }

  /// Nil if the bytes are not what ``encoded`` writes.
  package init?(encoded bytes: [UInt8]) {
    guard bytes.count <= Self.maximumBytes else { return nil }
    var texts: [Tag: [String]] = [:]
    var taken: Int64?
    var coordinates: Coordinates?
    var rest = bytes[...]
    while !rest.isEmpty {
      guard rest.count >= 3, let tag = Tag(rawValue: rest[rest.startIndex]) else { return nil }
      let length = Int(rest[rest.startIndex + 1]) | Int(rest[rest.startIndex + 2]) << 8
      rest = rest.dropFirst(3)
      guard rest.count >= length else { return nil }
      let value = Array(rest.prefix(length))
      rest = rest.dropFirst(length)
      switch tag {
      case .taken:
        taken = Self.integer(value, Int64.self)
      case .coordinates:
        guard length == 8, let latitude = Self.integer(Array(value[..<4]), Int32.self),
          let longitude = Self.integer(Array(value[4...]), Int32.self)
        else { return nil }
        coordinates = Coordinates(
          latitude: Double(latitude) / 1e7, longitude: Double(longitude) / 1e7)
      default:
        guard let text = String(validating: value, as: UTF8.self) else { return nil }
        texts[tag, default: []].append(text)
      }
    }
    self.init(
      title: texts[.title]?.first, description: texts[.description]?.first,
      keywords: texts[.keyword] ?? [], taken: taken, camera: texts[.camera]?.first,
      places: texts[.place] ?? [], coordinates: coordinates)
    // Also refuses fields twice or out of order, texts that were not cleaned, and impossible numbers.
    guard encoded == bytes else { return nil }
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static func integer<Value: FixedWidthInteger>(_ bytes: [UInt8], _: Value.Type) -> Value? {
    guard bytes.count == MemoryLayout<Value>.size else { return nil }
    return bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(as: Value.self)) }
  }
}
