import CCrypto

/// An incremental message digest, computed by libcrypto (which uses the CPU's hashing
/// instructions).
package struct MessageDigest: ~Copyable {
  /// The hash function.
  package enum Algorithm: Sendable {
    /// SHA-1, 20 bytes: git's names for contents. Not collision-resistant.
    case sha1
    /// SHA-256, 32 bytes.
    case sha256

    fileprivate var byteCount: Int { self == .sha1 ? 20 : 32 }
  }

  private let algorithm: Algorithm
  private let context: OpaquePointer

  /// Starts a digest of no bytes.
  package init(_ algorithm: Algorithm) {
    let function = algorithm == .sha1 ? EVP_sha1() : EVP_sha256()
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, function, nil) == 1 else {
      preconditionFailure("libcrypto has no \(algorithm)")
    }
    self.algorithm = algorithm
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Appends bytes to the message.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let updated = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(updated == 1, "libcrypto rejected \(bytes.count) bytes")
  }

  /// Finishes and returns the digest, whose length is the algorithm's.
  package consuming func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: algorithm.byteCount)
    var length: UInt32 = 0
    let finished = EVP_DigestFinal_ex(context, &digest, &length)
    precondition(finished == 1 && length == digest.count, "libcrypto returned \(length) bytes")
    return digest
  }
}
