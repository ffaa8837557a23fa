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
  /// Shows all blocks, which are without a centroid, to all scans. Many queries are divided among the
  /// threads that operations may use, or else the blocks are.
  public static func visit(_ blocks: [StoredBlock], with scans: inout [BlockScan])
    throws(VectorError)
  {
    let failure = Mutex<VectorError?>(nil)
    let bytes = scans.count * blocks.reduce(0) { $0 + $1.bytes.count }
    if scans.count > ScanRoom.queries {
      scans.withUnsafeMutableBufferPointer { scans in
        inParallel(rows: scans.count, multipleOf: ScanRoom.queries, operations: bytes) { range in
          do throws(VectorError) {
            try show(blocks[...], UnsafeMutableBufferPointer(rebasing: scans[range]))
          } catch { failure.withLock { $0 = error } }
        }
      }
    } else {
      let fresh = scans.map { $0.afresh() }
      let seen = Mutex<[[BlockScan]]>([])
      inParallel(rows: blocks.count, operations: bytes) { range in
        var own = fresh
        let result = own.withUnsafeMutableBufferPointer { own in
          Result { () throws(VectorError) in try show(blocks[range], own) }
        }
        if case .failure(let error) = result { failure.withLock { $0 = error } }
        seen.withLock { $0.append(own) }
      }
      for part in seen.withLock({ $0 }) {
        for index in scans.indices { scans[index].merge(part[index]) }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// Every block to all scans, four at a time, while it is in the processor's cache.
  private static func show(
    _ blocks: ArraySlice<StoredBlock>, _ scans: UnsafeMutableBufferPointer<BlockScan>
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
