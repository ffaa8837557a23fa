/// SHA-256 over bytes fed in pieces.
public struct SHA256: ~Copyable {
  private var digest = MessageDigest(.sha256)

  /// An empty digest.
  public init() {}

  /// Feeds bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) { digest.update(bytes) }

  /// Ends the digest: 32 bytes.
  public consuming func finish() -> [UInt8] { digest.finish() }

  /// The digest of `bytes`: 32 bytes.
  public static func digest(of bytes: [UInt8]) -> [UInt8] {
    var digest = SHA256()
    bytes.withUnsafeBytes { digest.update($0) }
    return digest.finish()
  }
}

/// Lower-case hexadecimal digits of bytes.
public func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(
    decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
