package import LMDB

/// Puts a record together, little-endian.
package struct ByteWriter {
  package var bytes: [UInt8]

  package init(bytes: [UInt8] = []) { self.bytes = bytes }

  package mutating func write(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }

  /// A count (u32) and the bytes.
  package mutating func writeCounted(_ value: [UInt8]) {
    write(UInt32(value.count))
    bytes += value
  }
}

/// Takes a record apart, little-endian; every length is checked before it is used.
package struct ByteReader {
  private let bytes: [UInt8]
  private var offset = 0

  package init(_ span: RawSpan) { bytes = span.withUnsafeBytes { Array($0) } }

  package mutating func read<Value: FixedWidthInteger>(_ type: Value.Type) throws(MalformedBytes)
    -> Value
  {
    let size = MemoryLayout<Value>.size
    guard bytes.count - offset >= size else { throw tooShort }
    defer { offset += size }
    let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    return Value(littleEndian: value)
  }

  package mutating func read(count: Int) throws(MalformedBytes) -> [UInt8] {
    guard bytes.count - offset >= count else { throw tooShort }
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }

  package mutating func readCounted() throws(MalformedBytes) -> [UInt8] {
    try read(count: Int(read(UInt32.self)))
  }

  package mutating func readTextToEnd() throws(MalformedBytes) -> String {
    guard let text = String(validating: bytes[offset...], as: UTF8.self) else {
      throw MalformedBytes("a text that is not UTF-8")
    }
    offset = bytes.count
    return text
  }

  package func end() throws(MalformedBytes) {
    guard offset == bytes.count else {
      throw MalformedBytes("a record of \(bytes.count) bytes that should have \(offset)")
    }
  }

  package var isAtEnd: Bool { offset == bytes.count }

  private var tooShort: MalformedBytes { MalformedBytes("a record of only \(bytes.count) bytes") }
}
