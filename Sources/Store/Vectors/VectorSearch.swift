internal import LMDB
internal import VectorIndex

extension IndexTables {
  /// So few vectors are scored by their embeddings one by one, which is exact and costs no more than
  /// the scan of some lists.
  private static let few = 4096

  /// The nearest vectors of a space, best first, ties by id: among all, or those of `ids`.
  func nearest(
    _ space: VectorSpace, to query: [Float], count: Int, among ids: Set<UInt64>?, isExact: Bool,
    nprobe: Int?, in transaction: borrowing ReadTransaction
  ) throws -> [Neighbour] {
    guard query.count == layout.embeddingSize, query.allSatisfy(\.isFinite) else {
      throw RetrievalError(
        "\(path): a query of \(query.count) numbers where \(layout.embeddingSize) finite ones "
          + "belong; embed it with the model the index was made with")
    }
    do {
      guard let vectors, ids == nil || ids!.count > Self.few else {
        return try scored(space, query, count: count, among: ids, in: transaction)
      }
      let embeddings = embeddings(of: space)
      let search = VectorSearch(
        tables: vectors, space: space, query: try PreparedQuery(query), count: count, ids: ids,
        total: try vectorCount(of: space, in: transaction))
      var probes: Probes?
      if !isExact {
        probes =
          try nprobe.map { .best($0) }
          ?? ProbeMeasurement(of: space, meta, at: path, in: transaction)?.probes
      }
      let scan = try vectors.readingBlocks { try search.scan(probes, in: transaction) }
      return try scan.finish { id in
        let score = try embeddings.withBytes(id, in: transaction) { try exactScore(query, $0) }
        guard let score else {
          throw RetrievalError.damaged(path, "vector \(id) has no embedding")
        }
        return score
      }.map(Neighbour.init)
    } catch let error as VectorError {
      throw RetrievalError.damaged(path, "the embeddings of \(space): \(error)")
    }
  }

  /// The nearest by the embeddings alone: of few, or in an index that has no blocks.
  private func scored(
    _ space: VectorSpace, _ query: [Float], count: Int, among ids: Set<UInt64>?,
    in transaction: borrowing ReadTransaction
  ) throws -> [Neighbour] {
    let embeddings = embeddings(of: space)
    var scan = try FlatScan(query: query, count: count)
    if let ids {
      for id in ids.sorted() {
        try embeddings.withBytes(id, in: transaction) { try scan.visit(id, $0) }
      }
    } else {
      try embeddings.forEach(in: transaction) { try scan.visit($0, $1) }
    }
    return scan.nearest.map(Neighbour.init)
  }
}

extension Neighbour {
  fileprivate init(_ candidate: VectorIndex.Candidate) {
    self.init(id: candidate.id, score: Float(candidate.score))
  }
}

/// One query's way through the blocks of a space.
private struct VectorSearch {
  let tables: VectorTables
  let space: VectorSpace
  let query: PreparedQuery
  let count: Int
  let ids: Set<UInt64>?
  /// How many vectors there are.
  let total: Int

  /// What may be among the nearest: of all lists where no probes are given, else of those that they
  /// choose, and of more as long as these do not hold `count`.
  func scan(_ probes: Probes?, in transaction: borrowing ReadTransaction) throws -> BlockScan {
    if let list = try tables.centroids.get((space, VectorTables.flatList), in: transaction) {
      var scan = newScan(.proven)
      let blocks = try blocks(
        of: VectorTables.flatList, count: list.count, centroidScore: 0, in: transaction)
      try scan.visit(blocks)
      return scan
    }
    guard let probes else {
      var scan = newScan(.proven)
      try visit(chosen(.all, in: transaction)[...], &scan, in: transaction)
      return scan
    }
    var scan = newScan(.probable)
    var lists = try chosen(probes, in: transaction)
    var visited = lists.count
    if let ids {
      // A filter thins the lists out: as many vectors that pass it are looked at as without one.
      lists = try chosen(.all, in: transaction)
      visited = min(visited * max(1, total / ids.count), lists.count)
    }
    try visit(lists[..<visited], &scan, in: transaction)
    if scan.foundCount < count {
      let all = try chosen(.all, in: transaction)
      try scan.goOn(through: all[visited...], until: count) {
        try visit($0, &$1, in: transaction)
      }
    }
    return scan
  }

  private func newScan(_ bound: ScoreBound) -> BlockScan {
    guard let ids else { return BlockScan(query, count: count, bound: bound) }
    return BlockScan(query, count: count, bound: bound, where: { ids.contains($0) })
  }

  /// The lists that probes choose, the most promising first.
  private func chosen(_ probes: Probes, in transaction: borrowing ReadTransaction) throws
    -> [UInt32]
  {
    let rows = try tables.withCentroidCodes(of: space, in: transaction) {
      try CentroidCodes.lists(in: $0, near: query, probes)
    }
    guard let rows else {
      guard total == 0 else { throw tables.damaged("\(total) vectors and no lists") }
      return []
    }
    return rows.map { VectorTables.list(ofRow: $0) }
  }

  private func visit(
    _ lists: ArraySlice<UInt32>, _ scan: inout BlockScan, in transaction: borrowing ReadTransaction
  ) throws {
    var probed: [ProbedBlock] = []
    for list in lists {
      let record = try tables.centroids.bytes((space, list), in: transaction) {
        (
          try ListCodec.count(of: $0),
          try exactScore(query.numbers, $0.extracting(droppingFirst: ListCodec.headerSize))
        )
      }
      guard let (count, score) = record else { throw tables.damaged("there is no list \(list)") }
      probed += try blocks(of: list, count: count, centroidScore: score, in: transaction)
    }
    try scan.visit(probed)
  }

  /// A list's blocks, for as long as the snapshot lasts, which outlives the scan: the map stays as it
  /// is.
  private func blocks(
    of list: UInt32, count: UInt32, centroidScore: Double,
    in transaction: borrowing ReadTransaction
  ) throws -> [ProbedBlock] {
    var blocks: [ProbedBlock] = []
    var held = 0
    try tables.forEachBlock(of: space, list, in: transaction) { block in
      blocks.append(
        ProbedBlock(
          block.withUnsafeBytes { StoredBlock(unsafeBytes: $0) }, centroidScore: centroidScore))
      held += try VectorBlock.count(of: block)
    }
    try tables.require(held, in: list, toBe: count)
    return blocks
  }
}
