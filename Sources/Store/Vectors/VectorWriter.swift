internal import LMDB
internal import VectorIndex

/// The vectors of a space in a write transaction, for the changes of `VectorStorage`.
struct VectorWriter: VectorStorage {
  private let tables: IndexTables
  private let vectors: VectorTables
  private let space: VectorSpace
  private let transaction: WritingTransactionReference

  var dimension: Int { vectors.dimension }
  private var embeddings: EmbeddingTable { tables.embeddings(of: space) }

  /// - Precondition: the value is not used after the end of the transaction.
  init(
    of space: VectorSpace, _ tables: IndexTables, _ vectors: VectorTables,
    in transaction: borrowing WriteTransaction
  ) {
    (self.space, self.tables, self.vectors) = (space, tables, vectors)
    self.transaction = WritingTransactionReference(transaction)
  }

  func lists() throws -> [UInt32: VectorList] { try vectors.lists(of: space, in: transaction) }

  func block(at location: VectorLocation) throws -> [UInt8]? {
    try vectors.lists.get(key(location), in: transaction)
  }

  func blocks(of list: UInt32) throws -> [[UInt8]] {
    var blocks: [[UInt8]] = []
    try vectors.forEachBlock(of: space, list, in: transaction) { block in
      blocks.append(block.withUnsafeBytes(Array.init))
    }
    return blocks
  }

  func location(of id: UInt64) throws -> VectorLocation? {
    try vectors.locations.get((space, id), in: transaction)
  }

  func ids() throws -> [UInt64] { try embeddings.ids(in: transaction) }

  func appendVectors(of ids: some Sequence<UInt64>, to numbers: inout [Float]) throws {
    for id in ids {
      guard try embeddings.append(id, to: &numbers, in: transaction) else {
        throw vectors.damaged("vector \(id) has no embedding")
      }
    }
  }

  func measurement() throws -> ProbeMeasurement? {
    try ProbeMeasurement(of: space, tables.meta, at: tables.path, in: transaction)
  }

  func put(vectors changes: [UInt64: [Float]?]) throws {
    try embeddings.apply(changes, in: transaction)
  }

  func put(block: [UInt8]?, at location: VectorLocation) throws {
    if let block {
      try vectors.lists.put(key(location), block, in: transaction)
    } else {
      try vectors.lists.delete(key(location), in: transaction)
    }
  }

  func removeBlocks(of list: UInt32) throws {
    try vectors.lists.deleteAll(
      in: transaction, from: BlockKey(space: space, list: list, block: 0),
      through: BlockKey(space: space, list: list, block: .max))
  }

  func put(_ list: VectorList, number: UInt32) throws {
    try vectors.centroids.put((space, number), list, in: transaction)
  }

  func put(centroidCodes: [UInt8]) throws {
    let key = BlockKey(space: space.ofLists, list: VectorList.flat, block: 0)
    try vectors.lists.put(key, centroidCodes, in: transaction)
  }

  func put(locations: [(id: UInt64, location: VectorLocation)]) throws {
    for (id, location) in locations {
      try vectors.locations.put((space, id), location, in: transaction)
    }
  }

  func removeLocation(of id: UInt64) throws {
    try vectors.locations.delete((space, id), in: transaction)
  }

  func put(_ measurement: ProbeMeasurement?) throws {
    try ProbeMeasurement.put(measurement, of: space, tables.meta, in: transaction)
  }

  func removeIndex() throws { try vectors.removeAll(of: space, in: transaction) }

  private func key(_ location: VectorLocation) -> BlockKey {
    BlockKey(space: space, list: location.list, block: location.block)
  }
}

extension IndexTables {
  /// Stores changed embeddings, or drops those that are nil, and brings the vector index up to date.
  func apply(
    _ changes: [UInt64: [Float]?], to space: VectorSpace, in transaction: borrowing WriteTransaction
  ) throws {
    guard let vectors else {
      return try embeddings(of: space).apply(changes, in: transaction)
    }
    let writer = VectorWriter(of: space, self, vectors, in: transaction)
    try vectors.readingBlocks { try writer.apply(changes) }
  }

  /// Makes the blocks of a flat space from the embeddings.
  func makeFlat(_ space: VectorSpace, in transaction: borrowing WriteTransaction) throws {
    try perform(.makeFlat, on: space, shouldStop: { false }, in: transaction)
  }

  /// Rebuilds the vector index of a space from the embeddings, whatever state it is in.
  func rebuildVectorIndex(
    of space: VectorSpace, in transaction: borrowing WriteTransaction
  ) throws {
    // What was measured may be damaged too, and is measured again.
    try ProbeMeasurement.put(nil, of: space, meta, in: transaction)
    let options = VectorIndexOptions(isRebuilt: true)
    guard let work = try vectorIndexWork(on: space, options, in: transaction) else { return }
    try perform(work, on: space, shouldStop: { false }, in: transaction)
  }

  /// What the vector index of a space needs; nil where it needs nothing.
  func vectorIndexWork<T: Transaction & ~Copyable>(
    on space: VectorSpace, _ options: VectorIndexOptions, in transaction: borrowing T
  ) throws -> VectorIndexWork? {
    guard let vectors else { return nil }
    let recall = try MetadataTable.recall(meta, of: path, in: transaction)
    return VectorIndexWork(
      options, recall: recall ?? VectorIndexOptions.usualRecall,
      count: try vectorCount(of: space, in: transaction),
      lists: options.isRebuilt ? 0 : try vectors.listCount(of: space, in: transaction),
      measured: try ProbeMeasurement(of: space, meta, at: path, in: transaction))
  }

  /// Does what the vector index of a space needs; throws `Interrupted` where `shouldStop` ended it. Texts
  /// look for pictures and pictures for texts, so that probes are measured with both.
  func perform(
    _ work: VectorIndexWork, on space: VectorSpace, shouldStop: () -> Bool,
    in transaction: borrowing WriteTransaction
  ) throws {
    guard let vectors else { return }
    let others = VectorWriter(
      of: space == .pictures ? .texts : .pictures, self, vectors, in: transaction)
    try vectors.readingBlocks {
      let held = work == .makeFlat ? nil : try others.heldOut()
      try VectorWriter(of: space, self, vectors, in: transaction).perform(
        work, queries: held?.vectors
      ) {
        if shouldStop() { throw Interrupted() }
      }
    }
  }
}
