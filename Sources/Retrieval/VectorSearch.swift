internal import LMDB
internal import VectorIndex

extension IndexTables {
  /// So few vectors are scored by their embeddings one by one, which is exact and costs no more than
  /// the scan of a list or two.
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
    let embeddings = embeddings(of: space)
    let found: [VectorIndex.Candidate]
    do {
      if let vectors, ids == nil || ids!.count > Self.few {
        var isIncluded: (@Sendable (UInt64) -> Bool)?
        if let ids { isIncluded = { ids.contains($0) } }
        let scan = BlockScan(try PreparedQuery(query), count: count, where: isIncluded)
        found = try vectors.nearest(
          space, scan, isExact: isExact, nprobe: nprobe, in: transaction
        ) { id in
          let score = try embeddings.withBytes(id, in: transaction) { try exactScore(query, $0) }
          guard let score else {
            throw RetrievalError.damaged(path, "vector \(id) has no embedding")
          }
          return score
        }
      } else {
        var scan = try FlatScan(query: query, count: count)
        if let ids {
          for id in ids.sorted() {
            try embeddings.withBytes(id, in: transaction) { try scan.visit(id, $0) }
          }
        } else {
          try embeddings.forEach(in: transaction) { try scan.visit($0, $1) }
        }
        found = scan.nearest
      }
    } catch let error as VectorError {
      throw RetrievalError.damaged(path, "table \(embeddings.table.name): \(error)")
    }
    return found.map { Neighbour(id: $0.id, score: Float($0.score)) }
  }
}

extension VectorTables {
  fileprivate func nearest(
    _ space: VectorSpace, _ scan: consuming BlockScan, isExact: Bool, nprobe: Int?,
    in transaction: borrowing ReadTransaction, rescore: (UInt64) throws -> Double
  ) throws -> [VectorIndex.Candidate] {
    guard let list = try centroids.get((space, Self.flatList), in: transaction) else { return [] }
    try scanFlat(list, of: space, &scan, in: transaction)
    return try scan.finish(rescore: rescore)
  }

  /// Shows all blocks of a flat space, where they lie in the map.
  private func scanFlat(
    _ list: ListRecord, of space: VectorSpace, _ scan: inout BlockScan,
    in transaction: borrowing ReadTransaction
  ) throws {
    var blocks: [StoredBlock] = []
    var held = 0
    try lists.forEachBytes(
      in: transaction, from: BlockKey(space: space, list: Self.flatList, block: 0),
      through: BlockKey(space: space, list: Self.flatList, block: .max)
    ) { _, bytes in
      // The map stays as it is until the snapshot ends, which outlives the scan.
      blocks.append(bytes.withUnsafeBytes { StoredBlock(unsafeBytes: $0) })
      held += try VectorBlock.count(of: bytes)
    }
    guard held == list.count else {
      throw damaged("blocks of \(held) vectors where \(list.count) belong")
    }
    var scans = [scan]
    try BlockScan.visit(blocks, with: &scans)
    scan = scans[0]
  }
}
