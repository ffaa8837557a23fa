internal import LMDB

/// Copies rows of a damaged index into a new one, some megabytes in a transaction.
final class RowCopy {
  private static let mostBytes = 32 << 20

  private let damaged: TableRecovery
  private let environment: Environment

  init(from damaged: TableRecovery, to environment: Environment) {
    (self.damaged, self.environment) = (damaged, environment)
  }

  /// Copies the records of a table that are as they were written.
  /// - Parameter isConfirmed: Whether a record is taken that may be older than what was stored last.
  func records<V: Codec>(
    from old: SealedTable<BigEndianUInt64, V>, to table: SealedTable<BigEndianUInt64, V>,
    isConfirmed: (UInt64, V.Value) -> Bool = { _, _ in false }
  ) throws {
    try rows(to: table.rows.raw) { key, value in
      guard Self.id(key) != nil, let record = try? old.decode(value.span.bytes, key: key) else {
        return nil
      }
      return table.encode(record, key: key)
    } isConfirmed: { row in
      guard let id = Self.id(row.key),
        let record = try? old.decode(row.value.span.bytes, key: row.key)
      else { return false }
      return isConfirmed(id, record)
    }
  }

  /// Copies the sound rows of a table.
  /// - Parameter convert: The value as the new index stores it; nil if the row is not sound.
  func rows(
    to table: Table<RawBytes, RawBytes>, converting convert: ([UInt8], [UInt8]) -> [UInt8]?,
    isConfirmed: (TableRecovery.Row) -> Bool = { _ in false }
  ) throws {
    var batch: [[UInt8]: [UInt8]] = [:]
    var bytes = 0
    func flush() throws {
      try environment.write { transaction in
        for (key, value) in batch.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
          try table.put(key, value, in: transaction)
        }
      }
      (batch, bytes) = ([:], 0)
    }
    try damaged.forEachRow(of: table.name) { row in
      guard let value = convert(row.key, row.value) else { return false }
      if !row.isCurrent {
        guard batch[row.key] == nil, isConfirmed(row),
          try environment.read({ try table.bytes(row.key, in: $0) { _ in } }) == nil
        else { return true }
      }
      batch[row.key] = value
      bytes += row.key.count + value.count
      if bytes > Self.mostBytes { try flush() }
      return true
    }
    try flush()
  }

  /// Copies the sound embeddings of a table.
  func embeddings(from old: EmbeddingTable, to table: EmbeddingTable) throws {
    var batch: [UInt64: [Float]?] = [:]
    func flush() throws {
      try environment.write { try table.apply(batch, in: $0) }
      batch = [:]
    }
    try damaged.forEachRow(of: table.table.name) { row in
      // An older one may be of what the picture showed before it was changed.
      guard row.isCurrent else { return false }
      var isSound = true
      try old.forEachFound(inRow: row.key, row.value.span.bytes) { found in
        guard case .sound(let id, let numbers) = found, ValidRecords.ids.contains(id) else {
          isSound = false
          return
        }
        batch[id] = numbers
      }
      if batch.count * table.size * 4 > Self.mostBytes { try flush() }
      return isSound
    }
    try flush()
  }

  /// The id of a key; nil if it is none.
  static func id(_ key: [UInt8]) -> UInt64? {
    guard let id = try? BigEndianUInt64.decode(key.span.bytes), ValidRecords.ids.contains(id) else {
      return nil
    }
    return id
  }
}
