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

  /// Lists are short and lie anywhere, so most of the time of a scan goes by waiting for their memory:
  /// while one is scanned, the next is fetched.
  private mutating func show(_ blocks: ArraySlice<ProbedBlock>) throws(VectorError) {
    let dimension = query.numbers.count
    blocks.first?.block.prefetch(dimension: dimension)
    for index in blocks.indices {
      if index + 1 < blocks.endIndex { blocks[index + 1].block.prefetch(dimension: dimension) }
      try visit(BlockView(blocks[index].block.bytes), blocks[index].centroidScore)
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
