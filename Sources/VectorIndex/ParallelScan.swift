internal import Synchronization
internal import Tensors

/// A block where it lies in memory, which several threads may read.
public struct StoredBlock: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  /// The memory has to stay as it is for as long as the value is used: that of a block in the map of a
  /// transaction does until the transaction ends.
  public init(unsafeBytes bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
}

extension BlockScan {
  /// Shows all blocks, which are without a centroid, to all scans, four at a time; many are divided
  /// among the threads that operations may use.
  public static func visit(_ blocks: [StoredBlock], with scans: inout [BlockScan])
    throws(VectorError)
  {
    let failure = Mutex<VectorError?>(nil)
    let bytes = scans.count * blocks.reduce(0) { $0 + $1.bytes.count }
    scans.withUnsafeMutableBufferPointer { scans in
      inParallel(rows: scans.count, multipleOf: ScanRoom.queries, operations: bytes) { range in
        do throws(VectorError) {
          try show(blocks, UnsafeMutableBufferPointer(rebasing: scans[range]))
        } catch { failure.withLock { $0 = error } }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// Every block to all scans, four at a time, while it is in the processor's cache.
  private static func show(
    _ blocks: [StoredBlock], _ scans: UnsafeMutableBufferPointer<BlockScan>
  ) throws(VectorError) {
    var room = ScanRoom()
    for block in blocks {
      let view = try BlockView(block.bytes)
      for first in stride(from: 0, to: scans.count, by: ScanRoom.queries) {
        let together = first..<min(first + ScanRoom.queries, scans.count)
        var sieves: [Sieve] = []
        for index in together { sieves.append(try scans[index].sieve(view, 0)) }
        view.scan(sieves, &room)
        for index in together { try scans[index].keep(index - first, of: room, from: view, 0) }
      }
    }
  }
}
