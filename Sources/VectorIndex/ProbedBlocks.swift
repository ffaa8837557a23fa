internal import CKernels

/// A block of a list that is probed.
public struct ProbedBlock: Sendable {
  let block: StoredBlock
  let centroidScore: Double

  /// `centroidScore` is ⟨query, centroid⟩ of the list's centroid.
  public init(_ block: StoredBlock, centroidScore: Double) {
    self.block = block
    self.centroidScore = centroidScore
  }
}

extension BlockScan {
  /// Shows the blocks of lists, the most promising first. Lists are short and lie anywhere, so most of
  /// the time of a scan goes by waiting for their memory: while one is scanned, the next is fetched.
  public mutating func visit(_ blocks: [ProbedBlock]) throws(VectorError) {
    blocks.first?.block.prefetch(dimension: query.numbers.count)
    for (index, probed) in blocks.enumerated() {
      if index + 1 < blocks.count {
        blocks[index + 1].block.prefetch(dimension: query.numbers.count)
      }
      try visit(BlockView(probed.block.bytes), probed.centroidScore)
    }
  }
}

extension StoredBlock {
  /// Most that is fetched: what does not stay in the first cache was fetched for nothing.
  private static let mostPrefetched = 16 << 10

  /// Has the processor fetch the header and what a scan reads, without reading anything itself.
  fileprivate func prefetch(dimension: Int) {
    guard let start = bytes.baseAddress, bytes.count > BlockLayout.header else { return }
    let share = BlockLayout(dimension: dimension, count: 8).size - BlockLayout.header
    let layout = BlockLayout(
      dimension: dimension, count: (bytes.count - BlockLayout.header) * 8 / share)
    kernel_prefetch(start, BlockLayout.header)
    let scanned = min(layout.steps, bytes.count)..<min(layout.lower, bytes.count)
    kernel_prefetch(start + scanned.lowerBound, min(scanned.count, Self.mostPrefetched))
  }
}
