internal import LMDB
internal import Synchronization
internal import VectorIndex

/// The vectors of a space as a snapshot has them, for `VectorSource.nearest`: blocks and embeddings are
/// read where they lie in the map.
struct SnapshotVectors: VectorSource {
  private let tables: IndexTables
  private let vectors: VectorTables
  private let space: VectorSpace
  private let transaction: TransactionReference
  private let cache: VectorCache

  var dimension: Int { vectors.dimension }

  /// - Precondition: the value is not used after the end of the transaction.
  init(
    of space: VectorSpace, _ tables: IndexTables, _ vectors: VectorTables,
    in transaction: borrowing ReadTransaction
  ) {
    (self.space, self.tables, self.vectors) = (space, tables, vectors)
    self.transaction = TransactionReference(transaction)
    cache = vectors.caches.cache(of: space, snapshot: transaction.snapshotID)
  }

  func contents() throws -> VectorContents {
    try cache.state.withLock { state in
      if let contents = state.contents { return contents }
      let contents = VectorContents(
        count: try tables.vectorCount(of: space, in: transaction),
        isFlat: try vectors.centroids.contains((space, VectorList.flat), in: transaction),
        probes: try ProbeMeasurement(
          of: space, tables.meta, at: tables.path, in: transaction)?.probes)
      state.contents = contents
      return contents
    }
  }

  func centroidCodes() throws -> CentroidCodes {
    try cache.state.withLock { state in
      if let codes = state.centroidCodes { return codes }
      let key = BlockKey(space: space.ofLists, list: VectorList.flat, block: 0)
      let codes = try vectors.lists.bytes(key, in: transaction) { bytes in
        try vectors.readingBlocks { try CentroidCodes(stored(bytes), dimension: dimension) }
      }
      guard let codes else { throw vectors.damaged("there are no lists") }
      state.centroidCodes = codes
      return codes
    }
  }

  func lists(_ numbers: [UInt32]) throws -> [StoredList] {
    try cache.state.withLock { state in
      if let greatest = numbers.max(), greatest >= state.lists.count {
        let missing = Int(greatest) + 1 - state.lists.count
        state.lists.append(contentsOf: repeatElement(nil, count: missing))
      }
      return try numbers.map { number in
        if let list = state.lists[Int(number)] { return list }
        let list = try read(number)
        state.lists[Int(number)] = list
        return list
      }
    }
  }

  func vectors(_ ids: [UInt64]) throws -> [StoredBlock?] {
    let embeddings = tables.embeddings(of: space)
    return try cache.state.withLock { state in
      try ids.map { id in
        let key = embeddings.key(of: id)
        if state.rows[key] == nil {
          state.rows[key] = try embeddings.row(key, in: transaction)
        }
        return try state.rows[key]?.embedding(of: id, in: embeddings)
      }
    }
  }

  private func read(_ number: UInt32) throws -> StoredList {
    let record = try vectors.centroids.bytes((space, number), in: transaction) { bytes in
      try vectors.readingBlocks {
        (
          count: try ListCodec.count(of: bytes),
          centroid: stored(bytes.extracting(droppingFirst: ListCodec.headerSize))
        )
      }
    }
    guard let record else { throw vectors.damaged("there is no list \(number)") }
    var blocks: [StoredBlock] = []
    var held = 0
    try vectors.forEachBlock(of: space, number, in: transaction) { block in
      blocks.append(stored(block))
      held += try vectors.readingBlocks { try VectorBlock.count(of: block) }
    }
    guard held == record.count else {
      throw vectors.damaged("list \(number) holds \(held) vectors where \(record.count) belong")
    }
    return StoredList(
      blocks: blocks, centroid: number == VectorList.flat ? nil : record.centroid)
  }
}

/// Bytes of a snapshot's map, which stay as they are until its end.
func stored(_ bytes: RawSpan) -> StoredBlock {
  bytes.withUnsafeBytes { StoredBlock(unsafeBytes: $0) }
}

/// What searches have found of a snapshot's vectors: where they lie, and that they are as they were
/// written. Reading half of a block costs less than looking it up, or than its checksum.
///
/// It serves all transactions of the same snapshot: the map stays where it is.
final class VectorCache: Sendable {
  struct State {
    var contents: VectorContents?
    var centroidCodes: CentroidCodes?
    /// By number.
    var lists: [StoredList?] = []
    /// By key.
    var rows: [UInt64: EmbeddingTable.Row] = [:]
  }

  let snapshot: Int
  /// Held by the one thread that uses the transaction.
  let state = Mutex(State())

  init(snapshot: Int) { self.snapshot = snapshot }
}

/// The caches of the newest snapshot.
final class VectorCaches: Sendable {
  private let caches = Mutex<[VectorSpace: VectorCache]>([:])

  /// The cache of a space; an older snapshot's is not kept.
  func cache(of space: VectorSpace, snapshot: Int) -> VectorCache {
    caches.withLock { caches in
      if let cache = caches[space], cache.snapshot == snapshot { return cache }
      let cache = VectorCache(snapshot: snapshot)
      if caches[space].map({ $0.snapshot < snapshot }) ?? true { caches[space] = cache }
      return cache
    }
  }
}

extension IndexTables {
  /// The nearest vectors of a space to each query, as `VectorSource.nearest`.
  func nearest(
    _ space: VectorSpace, to queries: [[Float]], _ options: VectorSearchOptions,
    in transaction: borrowing ReadTransaction
  ) throws -> [[Neighbor]] {
    for query in queries {
      guard query.count == layout.sizes.embedding, query.allSatisfy(\.isFinite) else {
        throw RetrievalError(
          "\(path): a query of \(query.count) numbers where \(layout.sizes.embedding) finite ones "
            + "belong; embed it with the model the index was made with")
      }
    }
    guard let vectors else {
      return try queries.map { try scanned(space, $0, options, in: transaction) }
    }
    let source = SnapshotVectors(of: space, self, vectors, in: transaction)
    return try vectors.readingBlocks {
      queries.count == 1
        ? [try source.nearest(to: queries[0], options)]
        : try source.nearest(to: queries, options)
    }
  }

  /// The nearest by the embeddings alone, in an index of the first format, which has no blocks.
  private func scanned(
    _ space: VectorSpace, _ query: [Float], _ options: VectorSearchOptions,
    in transaction: borrowing ReadTransaction
  ) throws -> [Neighbor] {
    do {
      var scan = try FlatScan(
        query: query, count: options.count, where: { options.ids?.contains($0) ?? true })
      try embeddings(of: space).forEach(in: transaction) { try scan.visit($0, $1) }
      return scan.nearest
    } catch let error as VectorError {
      throw RetrievalError.damaged(path, "the embeddings of \(space): \(error)")
    }
  }
}
