internal import LMDB
internal import VectorIndex

/// Vectors that are searched together.
enum VectorSpace: UInt8, CaseIterable {
  /// The embeddings of pictures, by picture id.
  case pictures = 0
  /// The embeddings of texts, by text id.
  case texts = 1
  /// The centroids of the lists of pictures, by list.
  case pictureLists = 2
  /// The centroids of the lists of texts, by list.
  case textLists = 3

  /// The space of the centroids of this one's lists.
  var ofLists: VectorSpace { self == .pictures ? .pictureLists : .textLists }

  /// The first byte of a key that is not empty.
  fileprivate init(keyOf bytes: RawSpan) throws(MalformedBytes) {
    let code = bytes.unsafeLoad(as: UInt8.self)
    guard let space = VectorSpace(rawValue: code) else {
      throw MalformedBytes("vectors of the kind \(code)")
    }
    self = space
  }
}

/// A key of `lists`: blocks of a list one after another, lists of a space one after another.
struct BlockKey: Hashable {
  var space: VectorSpace
  var list: UInt32
  var block: UInt32
}

/// space u8, list u32, block u32.
enum BlockKeyCodec: Codec {
  static func encode(_ key: BlockKey) -> [UInt8] {
    [key.space.rawValue] + bigEndian(key.list) + bigEndian(key.block)
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> BlockKey {
    try requireLength(9, of: bytes)
    return BlockKey(
      space: try VectorSpace(keyOf: bytes),
      list: UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 1, as: UInt32.self)),
      block: UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 5, as: UInt32.self)))
  }
}

/// A key of `centroids`: space u8, list u32.
enum ListKeyCodec: Codec {
  static func encode(_ key: (space: VectorSpace, list: UInt32)) -> [UInt8] {
    [key.space.rawValue] + bigEndian(key.list)
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> (space: VectorSpace, list: UInt32)
  {
    try requireLength(5, of: bytes)
    return (
      try VectorSpace(keyOf: bytes),
      UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 1, as: UInt32.self))
    )
  }
}

/// A key of `places`: space u8, id u64.
enum VectorKeyCodec: Codec {
  static func encode(_ key: (space: VectorSpace, id: UInt64)) -> [UInt8] {
    [key.space.rawValue] + BigEndianUInt64.encode(key.id)
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> (space: VectorSpace, id: UInt64) {
    try requireLength(9, of: bytes)
    return (
      try VectorSpace(keyOf: bytes), try BigEndianUInt64.decode(bytes.extracting(last: 8))
    )
  }
}

/// list u32, block u32.
enum LocationCodec: Codec {
  static func encode(_ location: VectorLocation) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(location.list)
    writer.write(location.block)
    return writer.bytes
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> VectorLocation {
    var reader = ByteReader(bytes)
    let location = VectorLocation(
      list: try reader.read(UInt32.self), block: try reader.read(UInt32.self))
    try reader.end()
    return location
  }
}

/// count u32, last block u32, checksum of these and the centroid u64, the centroid's numbers.
enum ListCodec: Codec {
  static func encode(_ list: VectorList) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(list.count)
    writer.write(list.lastBlock)
    let centroid = EmbeddingCodec.encode(list.centroid)
    writer.write(checksum(of: writer.bytes.span.bytes, centroid.span.bytes))
    return writer.bytes + centroid
  }

  private static func checksum(of counts: RawSpan, _ centroid: RawSpan) -> UInt64 {
    let seed = counts.withUnsafeBytes { VectorIndex.checksum($0) }
    return centroid.withUnsafeBytes { VectorIndex.checksum($0, seed: seed) }
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> VectorList {
    VectorList(
      count: try count(of: bytes),
      lastBlock: UInt32(
        littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt32.self)),
      centroid: try EmbeddingCodec.decode(bytes.extracting(droppingFirst: headerSize)))
  }

  /// Bytes before the centroid.
  static let headerSize = 16

  /// The vectors in a list; its centroid is left alone.
  static func count(of bytes: RawSpan) throws(MalformedBytes) -> UInt32 {
    guard bytes.byteCount >= headerSize else {
      throw MalformedBytes("a list of only \(bytes.byteCount) bytes")
    }
    let stored = bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self)
    let sum = checksum(
      of: bytes.extracting(first: 8), bytes.extracting(droppingFirst: headerSize))
    guard UInt64(littleEndian: stored) == sum else {
      throw MalformedBytes("a list whose checksum is wrong")
    }
    return UInt32(littleEndian: bytes.unsafeLoadUnaligned(as: UInt32.self))
  }
}

private func bigEndian(_ value: UInt32) -> [UInt8] {
  (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
}

private func requireLength(_ count: Int, of key: RawSpan) throws(MalformedBytes) {
  guard key.byteCount == count else {
    throw MalformedBytes("a key of \(key.byteCount) bytes where \(count) belong")
  }
}
