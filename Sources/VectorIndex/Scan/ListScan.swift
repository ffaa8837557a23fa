internal import CKernels
internal import Synchronization
internal import Tensors

/// A block of a list that is probed.
public struct ProbedBlock: Sendable {
  let block: StoredBlock
  let centroidScore: Double

  /// `centroidScore` is ⟨query, centroid⟩ of the list's centroid, 0 for a block without one.
  public init(_ block: StoredBlock, centroidScore: Double) {
    self.block = block
    self.centroidScore = centroidScore
  }
}

extension BlockScan {
  /// Scans lists, the most promising first.
  mutating func visit(_ lists: [StoredList], isDivided: Bool) throws(VectorError) {
    var blocks: [ProbedBlock] = []
    blocks.reserveCapacity(lists.count)
    for (place, list) in lists.enumerated() {
      // Centroids lie anywhere, and there are more than the nearer caches hold.
      if place + 2 < lists.count { lists[place + 2].centroid?.prefetch() }
      let score = try list.centroid.map { centroid throws(VectorError) in
        try exactScore(query.numbers, centroid.bytes)
      }
      for block in list.blocks {
        blocks.append(ProbedBlock(block, centroidScore: score ?? 0))
      }
    }
    if isDivided { try visit(blocks) } else { try show(blocks[...]) }
  }

  /// Scans blocks, the most promising first, on as many threads as operations may use where the blocks
  /// are many.
  public mutating func visit(_ blocks: [ProbedBlock]) throws(VectorError) {
    let failure = Mutex<VectorError?>(nil)
    let parts = Mutex<[BlockScan]>([])
    let fresh = emptied()
    let bytes = blocks.reduce(0) { $0 + $1.block.bytes.count }
    inParallel(rows: blocks.count, operations: bytes) { range in
      do throws(VectorError) {
        guard range.count < blocks.count else { return try show(blocks[...]) }
        var part = fresh
        try part.show(blocks[range])
        parts.withLock { $0.append(part) }
      } catch { failure.withLock { $0 = error } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    for part in parts.withLock({ $0 }) { merge(part) }
  }

  /// Most of the time of a scan goes by waiting for memory: while a block is scanned, the beginning of
  /// the next is fetched.
  private mutating func show(_ blocks: ArraySlice<ProbedBlock>) throws(VectorError) {
    let dimension = query.numbers.count
    for index in blocks.indices {
      let next = blocks[(index + 1)...].first?.block.prefetchHeader(dimension: dimension)
      try visit(BlockView(blocks[index].block.bytes), blocks[index].centroidScore, next: next)
    }
  }
}

extension StoredBlock {
  /// Has the processor fetch everything, without reading anything itself.
  func prefetch() { kernel_prefetch(bytes.baseAddress, bytes.count) }

  /// Has the processor fetch the header; returns where what a scan reads should begin.
  fileprivate func prefetchHeader(dimension: Int) -> UnsafeRawPointer? {
    guard let start = bytes.baseAddress, bytes.count > BlockLayout.header else { return nil }
    kernel_prefetch(start, BlockLayout.header)
    let share = BlockLayout(dimension: dimension, count: 8).size - BlockLayout.header
    let layout = BlockLayout(
      dimension: dimension, count: (bytes.count - BlockLayout.header) * 8 / share)
    return start + min(layout.steps, bytes.count)
  }
}
