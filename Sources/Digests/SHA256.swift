/// An incremental SHA-256.
package struct SHA256: ~Copyable {
  private var digest = MessageDigest(.sha256)

  /// Starts a digest of no bytes.
  package init() {}

  /// Appends bytes to the message.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) { digest.update(bytes) }

  /// Finishes and returns the digest: 32 bytes.
  package consuming func finish() -> [UInt8] { digest.finish() }

  /// The digest of `bytes`: 32 bytes.
  package static func digest(of bytes: [UInt8]) -> [UInt8] {
    var digest = SHA256()
    bytes.withUnsafeBytes { digest.update($0) }
    return digest.finish()
  }
}

/// Bytes as lower-case hexadecimal digits.
package func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(
    decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
