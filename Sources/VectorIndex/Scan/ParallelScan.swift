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
  /// Fewer scans go over the blocks one after the other: unpacking codes costs as much as so many scans
  /// save.
  private static let fewest = 8

  /// Shows all blocks, which are without a centroid, to all scans; many are divided among the threads
  /// that operations may use.
  public static func visit(_ blocks: [StoredBlock], with scans: inout [BlockScan])
    throws(VectorError)
  {
    guard scans.count >= fewest else {
      let probed = blocks.map { ProbedBlock($0, centroidScore: 0) }
      for index in scans.indices { try scans[index].visit(probed) }
      return
    }
    let failure = Mutex<VectorError?>(nil)
    let bytes = scans.count * blocks.reduce(0) { $0 + $1.bytes.count }
    scans.withUnsafeMutableBufferPointer { scans in
      inParallel(rows: scans.count, multipleOf: QueryPanel.capacity, operations: bytes) { range in
        do throws(VectorError) {
          try show(blocks, UnsafeMutableBufferPointer(rebasing: scans[range]))
        } catch { failure.withLock { $0 = error } }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// Every block to all scans, a panel at a time, while its codes are in the processor's cache.
  private static func show(
    _ blocks: [StoredBlock], _ scans: UnsafeMutableBufferPointer<BlockScan>
  ) throws(VectorError) {
    guard let query = scans.first?.query else { return }
    let starts = Array(stride(from: 0, to: scans.count, by: QueryPanel.capacity))
    for scan in scans { try scan.query.expects(query.numbers.count) }
    var panels = starts.map { QueryPanel(scans[$0...].prefix(QueryPanel.capacity).map(\.query)) }
    var room = ScanRoom()
    var codes = WholeCodes()
    for block in blocks {
      let view = try BlockView(block.bytes)
      try query.expects(view.dimension)
      codes.fill(from: view)
      for (panel, start) in starts.enumerated() {
        let bounds = panels[panel].roundingErrors.enumerated().map { number, error in
          scans[start + number].bounds(view, roundingError: error)
        }
        for (number, bounds) in bounds.enumerated() {
          panels[panel].set(scans[start + number].sieve(bounds, 0), of: number)
        }
        codes.scan(&panels[panel], &room)
        for (number, bounds) in bounds.enumerated() where room.count(number) > 0 {
          try scans[start + number].keep(room.count(number), from: view, bounds, 0) { position in
            let (index, score) = room.finding(number, position)
            return Finding(index: index, score: score, codeError: codes.error(index))
          }
        }
      }
    }
  }
}
