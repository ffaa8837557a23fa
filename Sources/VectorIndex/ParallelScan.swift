internal import Tensors

/// A block where it lies in memory, which several threads may read.
public struct StoredBlock: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  /// The memory has to stay as it is for as long as the value is used: that of a block in the map of a
  /// transaction does until the transaction ends.
  public init(unsafeBytes bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
}

extension BlockScan {
  /// Shows all blocks (without a centroid) to all scans, which are of the same dimension. Many queries
  /// are divided among the threads that operations may use, or else the blocks are.
  public static func visit(_ blocks: [StoredBlock], with scans: inout [BlockScan])
    throws(VectorError)
  {
    for block in blocks {
      let view = try BlockView(block.bytes)
      for index in scans.indices { try scans[index].visit(view, 0) }
    }
  }
}
