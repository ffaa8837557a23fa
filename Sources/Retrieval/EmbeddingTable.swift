internal import LMDB
internal import Tensors

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
  let table: Table<BigEndianUInt64, RawBytes>

  init<T: Transaction & ~Copyable>(
    opening name: String, of layout: IndexMetadata, at path: String, isGrouped: Bool,
    in transaction: borrowing T, create: Bool
  ) throws(LMDBError) {
    table = try Table(opening: name, in: transaction, create: create)
    size = layout.embeddingSize
    self.path = path
    self.isGrouped = isGrouped
  }

  /// The same table, whose rows now hold many.
  private init(grouping rows: EmbeddingTable) {
    (table, size, path, isGrouped) = (rows.table, rows.size, rows.path, true)
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
    let (key, slot) = id.quotientAndRemainder(dividingBy: Self.idsPerRow)
    return try table.bytes(key, in: transaction) { row -> Result? in
      let group = try group(row)
      guard let range = group.range(of: Int(slot)) else { return nil }
      return try body(row.extracting(range))
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
      let group = try group(row)
      let (first, overflow) = key.multipliedReportingOverflow(by: Self.idsPerRow)
      guard !overflow else { throw damaged("a row of ids past the last") }
      for slot in 0..<Int(Self.idsPerRow) {
        guard let range = group.range(of: slot) else { continue }
        try body(first + UInt64(slot), row.extracting(range))
      }
    }
  }

  /// The ids that have an embedding, in ascending order.
  func ids<T: Transaction & ~Copyable>(in transaction: borrowing T) throws -> [UInt64] {
    var ids: [UInt64] = []
    try forEach(in: transaction) { id, _ in ids.append(id) }
    return ids
  }

  /// The embeddings of these ids, one a row; all must have one.
  func matrix<T: Transaction & ~Copyable>(of ids: [UInt64], in transaction: borrowing T) throws
    -> Matrix
  {
    var values: [Float] = []
    values.reserveCapacity(ids.count * size)
    for id in ids {
      guard let numbers = try get(id, in: transaction) else {
        throw damaged("no embedding of \(id)")
      }
      values += numbers
    }
    return Matrix(rows: ids.count, columns: size, values: values)
  }

  /// Stores embeddings, or drops those that are nil.
  func apply(_ changes: [UInt64: [Float]?], in transaction: borrowing WriteTransaction) throws {
    precondition(isGrouped, "an index of the first format is written only after its upgrade")
    for (key, ids) in Dictionary(grouping: changes.keys, by: { $0 / Self.idsPerRow })
      .sorted(by: { $0.key < $1.key })
    {
      var slots = [[UInt8]?](repeating: nil, count: Int(Self.idsPerRow))
      try table.bytes(key, in: transaction) { row in
        let group = try group(row)
        for slot in slots.indices {
          slots[slot] = group.range(of: slot).map { row.extracting($0).withUnsafeBytes(Array.init) }
        }
      }
      for id in ids { slots[Int(id % Self.idsPerRow)] = changes[id]!.map(EmbeddingCodec.encode) }
      if slots.allSatisfy({ $0 == nil }) {
        try table.delete(key, in: transaction)
      } else {
        try table.put(key, EmbeddingGroup.encode(slots), in: transaction)
      }
    }
  }

  /// Turns the rows of the first format into rows of many, and returns the table of them.
  ///
  /// Rows are taken away in the order of their ids before the row of many is stored, whose key is
  /// smaller than all of them: a key never means both.
  func grouped(in transaction: borrowing WriteTransaction) throws -> EmbeddingTable {
    guard !isGrouped else { return self }
    let grouped = EmbeddingTable(grouping: self)
    let ids = try ids(in: transaction)
    guard ids.first != 0 else { throw damaged("an embedding of the id 0") }
    var first = ids.startIndex
    while first < ids.endIndex {
      let key = ids[first] / Self.idsPerRow
      let end = ids[first...].firstIndex { $0 / Self.idsPerRow != key } ?? ids.endIndex
      var slots = [[UInt8]?](repeating: nil, count: Int(Self.idsPerRow))
      for id in ids[first..<end] {
        slots[Int(id % Self.idsPerRow)] = try table.get(id, in: transaction)
        try table.delete(id, in: transaction)
      }
      try table.put(key, EmbeddingGroup.encode(slots), in: transaction)
      first = end
    }
    return grouped
  }

  private func group(_ row: RawSpan) throws(RetrievalError) -> EmbeddingGroup {
    do throws(MalformedBytes) {
      return try EmbeddingGroup(row, size: size)
    } catch {
      throw damaged(error.reason)
    }
  }

  private func wrongSize(_ row: RawSpan) -> RetrievalError {
    damaged("an embedding of \(row.byteCount) bytes where \(4 * size) belong")
  }

  private func damaged(_ reason: String) -> RetrievalError {
    .damaged(path, "table \(table.name) has \(reason)")
  }
}

/// A row of embeddings: which of its ids have one (u64, a bit each), then these one after another.
private struct EmbeddingGroup {
  private static let header = 8
  private let present: UInt64
  private let stride: Int

  init(_ row: RawSpan, size: Int) throws(MalformedBytes) {
    guard row.byteCount >= Self.header else {
      throw MalformedBytes("a row of only \(row.byteCount) bytes")
    }
    present = UInt64(littleEndian: row.unsafeLoadUnaligned(as: UInt64.self))
    stride = 4 * size
    guard present < 1 << EmbeddingTable.idsPerRow, present != 0,
      row.byteCount == Self.header + present.nonzeroBitCount * stride
    else {
      throw MalformedBytes(
        "a row of \(row.byteCount) bytes for \(present.nonzeroBitCount) embeddings of \(stride)")
    }
  }

  /// Where the bytes of an id's embedding lie; nil where it has none.
  func range(of slot: Int) -> Range<Int>? {
    let bit = UInt64(1) << UInt64(slot)
    guard present & bit != 0 else { return nil }
    let start = Self.header + (present & (bit - 1)).nonzeroBitCount * stride
    return start..<start + stride
  }

  static func encode(_ slots: [[UInt8]?]) -> [UInt8] {
    var present: UInt64 = 0
    for (slot, bytes) in slots.enumerated() where bytes != nil { present |= 1 << UInt64(slot) }
    var row = LittleEndianUInt64.encode(present)
    for bytes in slots { row += bytes ?? [] }
    return row
  }
}
