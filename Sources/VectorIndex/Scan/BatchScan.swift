internal import Synchronization
internal import Tensors

extension BlockScan {
  /// Fewer scans visit the blocks one after the other: unpacking codes costs as much as so many scans
  /// save.
  static let fewest = 8

  /// Scans all blocks of all lists for all queries, so that a block is read once for many; the queries
  /// are divided among as many threads as operations may use.
  static func visit(_ lists: [StoredList], with scans: inout [BlockScan]) throws(VectorError) {
    guard scans.count >= fewest else {
      for index in scans.indices { try scans[index].visit(lists, isDivided: true) }
      return
    }
    let failure = Mutex<VectorError?>(nil)
    let bytes = scans.count * lists.reduce(0) { $1.blocks.reduce($0) { $0 + $1.bytes.count } }
    scans.withUnsafeMutableBufferPointer { scans in
      inParallel(rows: scans.count, multipleOf: QueryPanel.capacity, operations: bytes) { range in
        do throws(VectorError) {
          var batch = try Batch(UnsafeMutableBufferPointer(rebasing: scans[range]))
          for list in lists { try batch.visit(list) }
        } catch { failure.withLock { $0 = error } }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

/// Queries that blocks are scanned for together, a panel at a time, while a block's codes are in the
/// processor's cache.
private struct Batch {
  private let scans: UnsafeMutableBufferPointer<BlockScan>
  private var panels: [QueryPanel]
  private var centroidScores: [Double]
  private var codes = WholeCodes()
  private var buffer = ScanBuffer()

  /// Scans of queries of one dimension, one at least.
  init(_ scans: UnsafeMutableBufferPointer<BlockScan>) throws(VectorError) {
    self.scans = scans
    for scan in scans { try scan.query.expects(scans[0].query.numbers.count) }
    panels = stride(from: 0, to: scans.count, by: QueryPanel.capacity).map {
      QueryPanel(scans[$0...].prefix(QueryPanel.capacity).map(\.query))
    }
    centroidScores = [Double](repeating: 0, count: scans.count)
  }

  mutating func visit(_ list: StoredList) throws(VectorError) {
    if let centroid = list.centroid {
      for index in scans.indices {
        centroidScores[index] = try exactScore(scans[index].query.numbers, centroid.bytes)
      }
    }
    for block in list.blocks {
      let view = try BlockView(block.bytes)
      try scans[0].query.expects(view.dimension)
      codes.fill(from: view)
      for panel in panels.indices { try visit(view, panel) }
    }
  }

  private mutating func visit(_ view: BlockView, _ panel: Int) throws(VectorError) {
    let start = panel * QueryPanel.capacity
    let bounds = panels[panel].roundingErrors.enumerated().map { number, error in
      scans[start + number].bounds(view, roundingError: error)
    }
    for (number, bounds) in bounds.enumerated() {
      let filter = scans[start + number].filter(bounds, centroidScores[start + number])
      panels[panel].set(filter, of: number)
    }
    codes.scan(&panels[panel], &buffer)
    for (number, bounds) in bounds.enumerated() where buffer.count(number) > 0 {
      try scans[start + number].keep(
        buffer.count(number), from: view, bounds, centroidScores[start + number]
      ) { position in
        let (index, score) = buffer.match(number, position)
        return Match(index: index, score: score, codeError: codes.error(index))
      }
    }
  }
}
