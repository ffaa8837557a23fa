import CCrypto

/// SHA-256 over bytes fed in pieces, by libcrypto (which uses the CPU's own instructions).
public struct SHA256: ~Copyable {
  private let context: OpaquePointer

  /// An empty digest.
  public init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      preconditionFailure("libcrypto has no SHA-256")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Feeds bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let fed = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(fed == 1, "libcrypto refused \(bytes.count) bytes")
  }

  /// Ends the digest: 32 bytes.
  public consuming func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    let ended = EVP_DigestFinal_ex(context, &digest, &length)
    precondition(ended == 1 && length == 32, "libcrypto ended SHA-256 with \(length) bytes")
    return digest
  }

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
