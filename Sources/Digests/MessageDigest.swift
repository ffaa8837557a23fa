import CCrypto

/// A digest over bytes fed in pieces, by libcrypto (which uses the CPU's own instructions).
public struct MessageDigest: ~Copyable {
  /// How it is computed.
  public enum Algorithm: Sendable {
    /// 20 bytes: what git names contents by. It does not withstand an attacker.
    case sha1
    /// 32 bytes.
    case sha256

    fileprivate var byteCount: Int { self == .sha1 ? 20 : 32 }
  }

  private let algorithm: Algorithm
  private let context: OpaquePointer

  /// An empty digest.
  public init(_ algorithm: Algorithm) {
    let function = algorithm == .sha1 ? EVP_sha1() : EVP_sha256()
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, function, nil) == 1 else {
      preconditionFailure("libcrypto has no \(algorithm)")
    }
    self.algorithm = algorithm
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Feeds bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let fed = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(fed == 1, "libcrypto refused \(bytes.count) bytes")
  }

  /// Ends the digest: as many bytes as the algorithm makes.
  public consuming func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: algorithm.byteCount)
    var length: UInt32 = 0
    let ended = EVP_DigestFinal_ex(context, &digest, &length)
    precondition(ended == 1 && length == digest.count, "libcrypto ended with \(length) bytes")
    return digest
  }
}
