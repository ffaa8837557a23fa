internal import Synchronization
internal import VectorIndex

/// Which values of the table of blocks were found whole since the index was opened. A scan reads half
/// of a block, so that its checksum costs more than the scan: it is reckoned once.
final class VerifiedBlocks: Sendable {
  /// By key, the checksum that the value had: one that was written anew has another.
  private let checksums = Mutex<[BlockKey: UInt64]>([:])

  /// Calls `verify` unless the value with that checksum was verified.
  func verify(_ key: BlockKey, _ checksum: UInt64, _ verify: () throws(VectorError) -> Void)
    throws(VectorError)
  {
    guard checksums.withLock({ $0[key] }) != checksum else { return }
    try verify()
    checksums.withLock { $0[key] = checksum }
  }
}
