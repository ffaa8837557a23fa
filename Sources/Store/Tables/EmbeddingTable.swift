internal import LMDB
internal import VectorIndex

/// The embeddings of pictures or of texts by id: what the vector index is made from and what its
/// answers are scored with.
///
/// A row holds those of up to 15 neighbouring ids. A page of LMDB has 4,096 bytes, so that rows of
/// one embedding of 256 floats leave a quarter of the file empty; 15 of them fill four pages to
/// 94 %, and the tree above them is a fifteenth of the size. The first format had a row for each.
struct EmbeddingTable: Sendable {
  static let idsPerRow: UInt64 = 15

  /// Numbers in an embedding.
  let size: Int
  /// The folder of the index, for errors.
  let path: String
  /// False in an index of the first format, which is only read.
  let isGrouped: Bool
  /// The index's mark, which is part of the seed of checksums; 0 in an index of format 1 to 4.
  let mark: UInt32
  let table: Table<BigEndianUInt64, RawBytes>

  init<T: Transaction & ~Copyable>(
    opening name: String, of layout: IndexMetadata, at path: String, format: IndexFormat,
    in transaction: borrowing T, create: Bool
  ) throws(LMDBError) {
    mark = format.mark ?? 0
    isGrouped = format.version > 1
    table = try Table(opening: name, in: transaction, create: create)
    size = layout.sizes.embedding
    self.path = path
  }

  /// An embedding where it lies in the map, `4 * size` bytes at any alignment; nil where there is
  /// none.
  func withBytes<T: Transaction & ~Copyable, Result>(
    _ id: UInt64, in transaction: borrowing T, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    guard isGrouped else {
      return try table.bytes(id, in: transaction) { row in
        guard row.byteCount == 4 * size else { throw wrongSize(row) }
        return try body(row)
      }
    }
    let key = id / Self.idsPerRow
    return try table.bytes(key, in: transaction) { row in
      try withEmbedding(of: id, in: row, group(row, key), body)
    } ?? nil
  }

  func get<T: Transaction & ~Copyable>(_ id: UInt64, in transaction: borrowing T) throws -> [Float]?
  {
    try withBytes(id, in: transaction) { try EmbeddingCodec.decode($0) }
  }

  /// All embeddings by id, where they lie in the map.
  func forEach<T: Transaction & ~Copyable>(
    in transaction: borrowing T, _ body: (UInt64, RawSpan) throws -> Void
  ) throws {
    try table.forEachBytes(in: transaction) { key, row in
      guard isGrouped else {
        guard row.byteCount == 4 * size else { throw wrongSize(row) }
        return try body(key, row)
      }
      let group = try group(row, key)
      for id in group.ids { try withEmbedding(of: id, in: row, group) { try body(id, $0) } }
    }
  }

  /// A row's embedding, or a row, as a check finds it.
  enum Found {
    case sound(UInt64, [Float])
    case broken(UInt64, String)
    case unreadable(String)
  }

  /// All embeddings by id, whatever state they are in.
  func forEachFound<T: Transaction & ~Copyable>(
    in transaction: borrowing T, _ body: (Found) throws -> Void
  ) throws {
    try table.raw.forEachBytes(in: transaction) { key, row in
      try forEachFound(inRow: key, row, body)
    }
  }

  /// The embeddings of a row, whatever state they are in.
  func forEachFound(inRow key: [UInt8], _ row: RawSpan, _ body: (Found) throws -> Void) throws {
    do {
      let key = try BigEndianUInt64.decode(key.span.bytes)
      guard isGrouped else {
        return try body(
          row.byteCount == 4 * size
            ? .sound(key, EmbeddingCodec.decode(row))
            : .broken(key, "an embedding of \(row.byteCount) bytes"))
      }
      let group = try EmbeddingGroup(row, key: key, size: size)
      for id in group.ids {
        let bytes = row.extracting(group.range(of: id)!)
        let isWhole =
          group.checksum(of: id, in: row) == EmbeddingGroup.checksum(of: id, bytes, mark)
        try body(
          isWhole
            ? .sound(id, EmbeddingCodec.decode(bytes))
            : .broken(id, "an embedding whose checksum is wrong"))
      }
    } catch let error as MalformedBytes {
      try body(.unreadable(error.reason))
    }
  }

  /// Drops all embeddings but those of these ids, which are sound.
  func keepOnly(_ ids: Set<UInt64>, in transaction: borrowing WriteTransaction) throws {
    precondition(isGrouped, "an index of the first format is written only after its upgrade")
    var changed: [(key: [UInt8], kept: [UInt64: [UInt8]])] = []
    try table.raw.forEachBytes(in: transaction) { key, row in
      var kept: [UInt64: [UInt8]] = [:]
      if let number = try? BigEndianUInt64.decode(key.span.bytes),
        let group = try? EmbeddingGroup(row, key: number, size: size)
      {
        guard !group.ids.allSatisfy(ids.contains) else { return }
        for id in group.ids where ids.contains(id) {
          kept[id] = row.extracting(group.range(of: id)!).withUnsafeBytes(Array.init)
        }
      }
      changed.append((key, kept))
    }
    for (key, kept) in changed {
      if kept.isEmpty {
        try table.raw.delete(key, in: transaction)
      } else {
        try table.raw.put(key, EmbeddingGroup.encode(kept, mark), in: transaction)
      }
    }
  }

  /// The ids that have an embedding, in ascending order.
  func ids<T: Transaction & ~Copyable>(in transaction: borrowing T) throws -> [UInt64] {
    var ids: [UInt64] = []
    try table.forEachBytes(in: transaction) { key, row in
      ids += isGrouped ? try group(row, key).ids : [key]
    }
    return ids
  }

  /// Appends an embedding to `numbers`; false where there is none.
  func append<T: Transaction & ~Copyable>(
    _ id: UInt64, to numbers: inout [Float], in transaction: borrowing T
  ) throws -> Bool {
    let found: Void? = try withBytes(id, in: transaction) { bytes in
      let start = numbers.count
      numbers.append(contentsOf: repeatElement(0, count: size))
      bytes.withUnsafeBytes { bytes in
        numbers.withUnsafeMutableBytes { numbers in
          UnsafeMutableRawBufferPointer(rebasing: numbers[(4 * start)...]).copyMemory(from: bytes)
        }
      }
    }
    return found != nil
  }

  /// A row where it lies in the map of a snapshot, of which each embedding is verified once.
  struct Row {
    fileprivate let bytes: StoredBlock
    fileprivate let group: EmbeddingGroup
    /// A bit for each id of the row.
    fileprivate var verified: UInt64 = 0

    /// An embedding where it lies; nil where the row has none of that id.
    mutating func embedding(of id: UInt64, in table: EmbeddingTable) throws -> StoredBlock? {
      guard let range = group.range(of: id) else { return nil }
      let bit = UInt64(1) << (id % EmbeddingTable.idsPerRow)
      if verified & bit == 0 {
        try bytes.withSpan { try table.verify(id, in: $0, group) }
        verified |= bit
      }
      return bytes.extracting(range)
    }
  }

  /// The key of the row that an id's embedding is in, but for an index of the first format.
  func key(of id: UInt64) -> UInt64 { id / Self.idsPerRow }

  /// The row of a key; nil where there is none.
  func row<T: Transaction & ~Copyable>(_ key: UInt64, in transaction: borrowing T) throws -> Row? {
    try table.bytes(key, in: transaction) { row in
      Row(bytes: stored(row), group: try group(row, key))
    }
  }

  /// Stores embeddings, or drops those that are nil.
  func apply<T: WritingTransaction & ~Copyable>(
    _ changes: [UInt64: [Float]?], in transaction: borrowing T
  ) throws {
    precondition(isGrouped, "an index of the first format is written only after its upgrade")
    for (key, ids) in Dictionary(grouping: changes.keys, by: { $0 / Self.idsPerRow })
      .sorted(by: { $0.key < $1.key })
    {
      var embeddings: [UInt64: [UInt8]] = [:]
      try table.bytes(key, in: transaction) { row in
        let group = try group(row, key)
        for id in group.ids {
          embeddings[id] = try withEmbedding(of: id, in: row, group) {
            $0.withUnsafeBytes(Array.init)
          }
        }
      }
      for id in ids { embeddings[id] = changes[id]!.map(EmbeddingCodec.encode) }
      if embeddings.isEmpty {
        try table.delete(key, in: transaction)
      } else {
        try table.put(key, EmbeddingGroup.encode(embeddings, mark), in: transaction)
      }
    }
  }

  /// Brings the rows of an older format to the present one, in the same table: those of format 1 become
  /// rows of many, those of formats 2 to 4 get checksums with the index's mark.
  func upgrade(from old: EmbeddingTable, in transaction: borrowing WriteTransaction) throws {
    guard old.mark != mark || !old.isGrouped else { return }
    let ids = try old.ids(in: transaction)
    guard ids.first != 0 else { throw damaged("an embedding of the id 0") }
    var first = ids.startIndex
    while first < ids.endIndex {
      let key = ids[first] / Self.idsPerRow
      let end = ids[first...].firstIndex { $0 / Self.idsPerRow != key } ?? ids.endIndex
      var embeddings: [UInt64: [UInt8]] = [:]
      for id in ids[first..<end] {
        embeddings[id] = try old.withBytes(id, in: transaction) { $0.withUnsafeBytes(Array.init) }
        // The key of a row of many is smaller than those of its ids: it never means both.
        if !old.isGrouped { try table.delete(id, in: transaction) }
      }
      try table.put(key, EmbeddingGroup.encode(embeddings, mark), in: transaction)
      first = end
    }
  }

  private func group(_ row: RawSpan, _ key: UInt64) throws(RetrievalError) -> EmbeddingGroup {
    do throws(MalformedBytes) {
      return try EmbeddingGroup(row, key: key, size: size)
    } catch {
      throw damaged(error.reason)
    }
  }

  /// An embedding of a row, as it was written; nil where the row has none of that id.
  @discardableResult
  private func withEmbedding<Result>(
    of id: UInt64, in row: RawSpan, _ group: EmbeddingGroup, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    guard let range = group.range(of: id) else { return nil }
    try verify(id, in: row, group)
    return try body(row.extracting(range))
  }

  /// Throws where a row's embedding is not as it was written.
  private func verify(_ id: UInt64, in row: RawSpan, _ group: EmbeddingGroup) throws {
    let embedding = row.extracting(group.range(of: id)!)
    guard group.checksum(of: id, in: row) == EmbeddingGroup.checksum(of: id, embedding, mark) else {
      throw damaged("an embedding whose checksum is wrong (id \(id))")
    }
  }

  private func wrongSize(_ row: RawSpan) -> RetrievalError {
    damaged("an embedding of \(row.byteCount) bytes where \(4 * size) belong")
  }

  private func damaged(_ reason: String) -> RetrievalError {
    .damaged(path, "table \(table.name) has \(reason)")
  }
}
