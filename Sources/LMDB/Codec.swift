/// How values of a type are encoded in a table. Codecs are stateless types that are never
/// instantiated.
///
/// Bytes to decode come from a file and cannot be trusted: `decode` checks every length.
package protocol Codec {
  /// The type that is encoded.
  associatedtype Value
  /// The encoding of a value.
  static func encode(_ value: Value) -> [UInt8]
  /// Decodes a value; throws if the bytes are not a valid encoding.
  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> Value
}

/// Bytes that are not a valid encoding of the expected type.
package struct MalformedBytes: Error, Equatable {
  /// What is wrong with them.
  package let reason: String

  /// An error with its reason.
  package init(_ reason: String) { self.reason = reason }
}

/// 8 bytes, most significant first, so that keys sort in numeric order.
package enum BigEndianUInt64: Codec {
  /// Encodes a number in 8 bytes.
  package static func encode(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
  }

  /// Decodes a number from 8 bytes.
  package static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> UInt64 {
    try UInt64(bigEndian: integer(bytes))
  }
}

/// 8 bytes, least significant first: the byte order of everything except keys.
package enum LittleEndianUInt64: Codec {
  /// Encodes a number in 8 bytes.
  package static func encode(_ value: UInt64) -> [UInt8] {
    BigEndianUInt64.encode(value).reversed()
  }

  /// Decodes a number from 8 bytes.
  package static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> UInt64 {
    try UInt64(littleEndian: integer(bytes))
  }
}

private func integer(_ bytes: RawSpan) throws(MalformedBytes) -> UInt64 {
  guard bytes.byteCount == 8 else {
    throw MalformedBytes("\(bytes.byteCount) bytes instead of an 8-byte number")
  }
  return bytes.unsafeLoadUnaligned(as: UInt64.self)
}

/// UTF-8.
package enum UTF8Text: Codec {
  /// Encodes a string as UTF-8.
  package static func encode(_ value: String) -> [UInt8] { Array(value.utf8) }

  /// Decodes UTF-8; throws on invalid UTF-8 and never repairs it.
  package static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> String {
    guard let text = bytes.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw MalformedBytes("text that is not valid UTF-8")
    }
    return text
  }
}

/// Bytes, unchanged.
package enum RawBytes: Codec {
  /// The bytes themselves.
  package static func encode(_ value: [UInt8]) -> [UInt8] { value }

  /// The bytes themselves.
  package static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> [UInt8] {
    bytes.withUnsafeBytes { Array($0) }
  }
}

/// An empty value, for a table that is a set of keys.
package enum NoBytes: Codec {
  /// Returns no bytes.
  package static func encode(_ value: Void) -> [UInt8] { [] }

  /// Throws if there are any bytes.
  package static func decode(_ bytes: RawSpan) throws(MalformedBytes) {
    guard bytes.isEmpty else {
      throw MalformedBytes("\(bytes.byteCount) bytes instead of an empty value")
    }
  }
}
