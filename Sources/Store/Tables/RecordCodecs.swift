internal import Images
package import LMDB

// Values of an index. Integers and floats are little-endian; keys alone are
// big-endian. A record that is shorter or longer than its own lengths say is refused.

/// size u64, modified i64, content hash 32 bytes, width u32, height u32, orientation u8, path.
enum PictureCodec: Codec {
  static func encode(_ record: PictureRecord) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(record.size)
    writer.write(record.modified)
    writer.bytes += record.contentHash
    writer.write(UInt32(record.width))
    writer.write(UInt32(record.height))
    writer.write(UInt8(record.orientation))
    writer.writeCounted(record.path)
    return writer.bytes
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> PictureRecord {
    var reader = ByteReader(bytes)
    let record = PictureRecord(
      path: [], size: try reader.read(UInt64.self), modified: try reader.read(Int64.self),
      contentHash: try reader.read(count: HashKey.byteCount),
      width: Int(try reader.read(UInt32.self)), height: Int(try reader.read(UInt32.self)),
      orientation: Int(try reader.read(UInt8.self)))
    var complete = record
    complete.path = try reader.readCounted()
    try reader.end()
    if let fault = complete.fault { throw MalformedBytes(fault) }
    return complete
  }

  /// Whether the path of a record begins so; the record is not taken apart.
  static func path(of bytes: RawSpan, startsWith prefix: [UInt8]) throws(MalformedBytes) -> Bool {
    let start = 8 + 8 + HashKey.byteCount + 4 + 4 + 1 + 4
    guard bytes.byteCount >= start else {
      throw MalformedBytes("a record of only \(bytes.byteCount) bytes")
    }
    let length = bytes.unsafeLoadUnaligned(fromByteOffset: start - 4, as: UInt32.self)
    guard bytes.byteCount - start == Int(UInt32(littleEndian: length)) else {
      throw MalformedBytes("a path of another length than its record says")
    }
    return bytes.extracting(droppingFirst: start).withUnsafeBytes { $0.starts(with: prefix) }
  }
}

extension PictureRecord {
  /// Why it cannot be stored; nil where it can.
  package var fault: String? {
    if path.isEmpty { return "a picture without a path" }
    if contentHash.count != HashKey.byteCount { return "a hash of \(contentHash.count) bytes" }
    let sides = 1...Int(Int32.max)
    if !sides.contains(width) || !sides.contains(height) { return "a size of \(width)×\(height)" }
    if !(1...8).contains(orientation) { return "the orientation \(orientation)" }
    return nil
  }
}

/// picture u64 (0: none), source u8, of a synthetic text its captioner, then the text to the end.
enum TextCodec: Codec {
  private static let captions: UInt8 = 0
  private static let sidecar: UInt8 = 1
  private static let synthetic: UInt8 = 2

  static func encode(_ record: TextRecord) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(record.picture ?? 0)
    switch record.source {
    case .captions: writer.write(captions)
    case .sidecar: writer.write(sidecar)
    case .synthetic(let captioner):
      writer.write(synthetic)
      writer.writeCounted(Array(captioner.utf8))
    }
    return writer.bytes + Array(record.text.utf8)
  }

  /// Whether a record is of a synthetic text; the record is not taken apart.
  static func isSynthetic(_ bytes: RawSpan) -> Bool {
    bytes.byteCount > 8 && bytes.unsafeLoad(fromByteOffset: 8, as: UInt8.self) == synthetic
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> TextRecord {
    var reader = ByteReader(bytes)
    let picture = try reader.read(UInt64.self)
    let source: TextSource
    switch try reader.read(UInt8.self) {
    case captions: source = .captions
    case sidecar: source = .sidecar
    case synthetic:
      guard let captioner = String(validating: try reader.readCounted(), as: UTF8.self) else {
        throw MalformedBytes("a captioner that is not UTF-8")
      }
      source = .synthetic(by: captioner)
    case let code: throw MalformedBytes("a text of the source \(code)")
    }
    return TextRecord(
      text: try reader.readTextToEnd(), picture: picture == 0 ? nil : picture, source: source)
  }
}

/// size u64, modified i64, when i64, path, then the reason to the end.
enum FailureCodec: Codec {
  static func encode(_ record: FailureRecord) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(record.size)
    writer.write(record.modified)
    writer.write(record.when)
    writer.writeCounted(record.path)
    writer.bytes += Array(record.reason.utf8)
    return writer.bytes
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> FailureRecord {
    var reader = ByteReader(bytes)
    let size = try reader.read(UInt64.self)
    let modified = try reader.read(Int64.self)
    let when = try reader.read(Int64.self)
    let path = try reader.readCounted()
    let reason = try reader.readTextToEnd()
    return FailureRecord(path: path, reason: reason, size: size, modified: modified, when: when)
  }
}

/// sharpness f32, the colour layout u8 each, then the perceptual hashes u64 each, that of the whole picture
/// first.
enum SignatureCodec: Codec {
  static func encode(_ signature: PictureSignature) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(signature.sharpness.bitPattern)
    writer.bytes += signature.colors.values
    for hash in signature.hashes.values { writer.write(hash) }
    return writer.bytes
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> PictureSignature {
    var reader = ByteReader(bytes)
    let sharpness = Float(bitPattern: try reader.read(UInt32.self))
    let colors = try reader.read(count: ColorLayout.count)
    var values: [UInt64] = []
    for _ in 0..<PerceptualHashes.count { values.append(try reader.read(UInt64.self)) }
    try reader.end()
    guard let hashes = PerceptualHashes(values: values), let colors = ColorLayout(values: colors),
      let signature = PictureSignature(hashes: hashes, colors: colors, sharpness: sharpness)
    else { throw MalformedBytes("a signature with the sharpness \(sharpness)") }
    return signature
  }
}

/// The numbers of an embedding, Float32, as they lie in memory: the processors that this is built for
/// are little-endian.
package enum EmbeddingCodec: Codec {
  /// How far from 1 the length of an embedding may be: a model may normalise in half precision.
  package static let normTolerance = 1e-3

  package static func encode(_ embedding: [Float]) -> [UInt8] {
    embedding.withUnsafeBytes { Array($0) }
  }

  package static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> [Float] {
    guard bytes.byteCount.isMultiple(of: 4) else {
      throw MalformedBytes("an embedding of \(bytes.byteCount) bytes")
    }
    // The storage of all empty arrays is one, and their count would be written to it.
    if bytes.isEmpty { return [] }
    return [Float](unsafeUninitializedCapacity: bytes.byteCount / 4) { numbers, count in
      count = bytes.byteCount / 4
      bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(numbers).copyMemory(from: $0) }
    }
  }
}

/// A SHA-256: paths are longer than LMDB's keys may be.
enum HashKey: Codec {
  static let byteCount = 32

  static func encode(_ hash: [UInt8]) -> [UInt8] { hash }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> [UInt8] {
    guard bytes.byteCount == byteCount else {
      throw MalformedBytes("a hash of \(bytes.byteCount) bytes")
    }
    return try RawBytes.decode(bytes)
  }
}

/// A SHA-256 and an id: many pictures may have the same content.
enum HashAndIDKey: Codec {
  static func encode(_ key: (hash: [UInt8], id: UInt64)) -> [UInt8] {
    key.hash + BigEndianUInt64.encode(key.id)
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> (hash: [UInt8], id: UInt64) {
    guard bytes.byteCount == HashKey.byteCount + 8 else {
      throw MalformedBytes("a hash and id of \(bytes.byteCount) bytes")
    }
    return (
      try HashKey.decode(bytes.extracting(first: HashKey.byteCount)),
      try BigEndianUInt64.decode(bytes.extracting(last: 8))
    )
  }
}

/// Two ids, ordered by the first and then the second.
enum IDPairKey: Codec {
  static func encode(_ key: (first: UInt64, second: UInt64)) -> [UInt8] {
    BigEndianUInt64.encode(key.first) + BigEndianUInt64.encode(key.second)
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> (first: UInt64, second: UInt64) {
    guard bytes.byteCount == 16 else {
      throw MalformedBytes("a pair of ids of \(bytes.byteCount) bytes")
    }
    return (
      try BigEndianUInt64.decode(bytes.extracting(first: 8)),
      try BigEndianUInt64.decode(bytes.extracting(last: 8))
    )
  }
}
