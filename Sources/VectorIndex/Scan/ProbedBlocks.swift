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
  /// Shows blocks, the most promising first, to the threads that operations may use where they are
  /// many.
  public mutating func visit(_ blocks: [ProbedBlock]) throws(VectorError) {
    let fresh = afresh()
    let failure = Mutex<VectorError?>(nil)
    let seen = Mutex<[BlockScan]>([])
    let bytes = blocks.reduce(0) { $0 + $1.block.bytes.count }
    inParallel(rows: blocks.count, operations: bytes) { range in
      var own = fresh
      do throws(VectorError) {
        try own.show(blocks[range])
      } catch { failure.withLock { $0 = error } }
      seen.withLock { $0.append(own) }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    for part in seen.withLock({ $0 }) { merge(part) }
  }

  /// Visits further lists, the most promising first, twice as many each time as there were before, as
  /// long as fewer than `count` vectors are found. `lists` is what is left of all behind those that were
  /// visited.
  public mutating func goOn<List>(
    through lists: ArraySlice<List>, until count: Int,
    visit: (ArraySlice<List>, inout BlockScan) throws -> Void
  ) rethrows {
    var rest = lists
    while foundCount < count, !rest.isEmpty {
      let next = rest.prefix(rest.startIndex + 1)
      try visit(next, &self)
      rest = rest.dropFirst(next.count)
    }
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
  /// Has the processor fetch the header, without reading anything itself; returns where what a scan
  /// reads should begin.
  fileprivate func prefetchHeader(dimension: Int) -> UnsafeRawPointer? {
    guard let start = bytes.baseAddress, bytes.count > BlockLayout.header else { return nil }
    kernel_prefetch(start, BlockLayout.header)
    let share = BlockLayout(dimension: dimension, count: 8).size - BlockLayout.header
    let layout = BlockLayout(
      dimension: dimension, count: (bytes.count - BlockLayout.header) * 8 / share)
    return start + min(layout.steps, bytes.count)
  }
}
