/// How values of a type lie in a table. Codecs hold no state: a type that is never made.
///
/// What is decoded comes from a file and may be anything: `decode` checks every length.
public protocol Codec {
  /// What is encoded.
  associatedtype Value
  /// The bytes of a value.
  static func encode(_ value: Value) -> [UInt8]
  /// The value of the bytes, or why they are none.
  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> Value
}

/// Bytes that are no encoding of what they should be.
public struct MalformedBytes: Error, Equatable {
  /// What is wrong with them.
  public let reason: String

  /// Bytes refused for a reason.
  public init(_ reason: String) { self.reason = reason }
}

/// 8 bytes, most significant first, so that the order of keys is that of numbers.
public enum BigEndianUInt64: Codec {
  /// The 8 bytes of a number.
  public static func encode(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
  }

  /// The number of 8 bytes.
  public static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> UInt64 {
    try UInt64(bigEndian: integer(bytes))
  }
}

/// 8 bytes, least significant first, as everything but keys is stored.
public enum LittleEndianUInt64: Codec {
  /// The 8 bytes of a number.
  public static func encode(_ value: UInt64) -> [UInt8] { BigEndianUInt64.encode(value).reversed() }

  /// The number of 8 bytes.
  public static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> UInt64 {
    try UInt64(littleEndian: integer(bytes))
  }
}

private func integer(_ bytes: RawSpan) throws(MalformedBytes) -> UInt64 {
  guard bytes.byteCount == 8 else {
    throw MalformedBytes("\(bytes.byteCount) bytes where a number of 8 belongs")
  }
  return bytes.unsafeLoadUnaligned(as: UInt64.self)
}

/// UTF-8.
public enum UTF8Text: Codec {
  /// The UTF-8 of a text.
  public static func encode(_ value: String) -> [UInt8] { Array(value.utf8) }

  /// The text of UTF-8; other bytes are refused, not mended.
  public static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> String {
    guard let text = bytes.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw MalformedBytes("a text that is not UTF-8")
    }
    return text
  }
}

/// Bytes as they are.
public enum RawBytes: Codec {
  /// The bytes themselves.
  public static func encode(_ value: [UInt8]) -> [UInt8] { value }

  /// The bytes themselves.
  public static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> [UInt8] {
    bytes.withUnsafeBytes { Array($0) }
  }
}

/// No bytes: for a table that is a set of keys.
public enum NoBytes: Codec {
  /// No bytes.
  public static func encode(_ value: Void) -> [UInt8] { [] }

  /// Nothing; any byte is refused.
  public static func decode(_ bytes: RawSpan) throws(MalformedBytes) {
    guard bytes.isEmpty else {
      throw MalformedBytes("\(bytes.byteCount) bytes where there should be none")
    }
  }
}
