internal import Digests
internal import LMDB

/// What a new index does not have that the damaged one had.
struct RecoveredIndex {
  var lostPictures = 0
  var lostTexts = 0
  /// Of the pictures whose record was read.
  var lostPaths: [[UInt8]] = []
}

/// Makes a new index from what is sound in a damaged one.
struct IndexRecovery {
  /// The damaged index, for errors.
  private let path: String
  private let damaged: TableRecovery

  init(of path: String, from damaged: TableRecovery) {
    (self.path, self.damaged) = (path, damaged)
  }

  /// Writes a new index into an empty folder.
  func write(to folder: String) throws -> RecoveredIndex {
    let environment = try Environment(folder, access: .readWrite)
    let (tables, format) = try createTables(in: environment, at: folder)
    let layout = tables.layout
    let copy = RowCopy(from: damaged, to: environment)
    try copy.embeddings(to: tables.embeddings, isGrouped: format > 1)
    try copy.embeddings(to: tables.textEmbeddings, isGrouped: format > 1)
    if layout.features != .none {
      try copy.rows(of: tables.features) { _, value in
        let sizes = layout.sizes
        return
          (try? FeatureCodec.decode(
            value.span.bytes, rows: sizes.featureRows, columns: sizes.featureColumns,
            as: layout.features)) != nil
      }
    }
    try copy.records(of: tables.pictures) { id, record in
      // A row of a picture that was removed may still lie somewhere.
      isConfirmed("paths", SHA256.digest(of: record.path)) {
        $0 == LittleEndianUInt64.encode(id)
      }
    }
    try copy.records(of: tables.texts) { id, record in
      isConfirmed("picture_texts", IDPairKey.encode((record.picture ?? 0, id))) { _ in true }
    }
    // What of these is lost is made again from the pictures' files by the next run that indexes.
    if let details = tables.details { try copy.records(of: details) { _, _ in false } }
    if let signatures = tables.signatures { try copy.records(of: signatures) { _, _ in false } }
    if let hubness = tables.hubness { try copy.records(of: hubness) { _, _ in false } }
    try copy.rows(of: tables.failures) { key, value in
      IndexTables.failureFault(key, value.span.bytes) == nil
    }
    var recovered = RecoveredIndex()
    try environment.write { try tables.completeRecovery(&recovered, in: $0) }
    try environment.read { transaction in
      recovered.lostPictures = lost(
        "pictures", kept: try tables.pictures.statistics(in: transaction).entries,
        known: recovered.lostPictures)
      recovered.lostTexts = lost(
        "texts", kept: try tables.texts.statistics(in: transaction).entries,
        known: recovered.lostTexts)
    }
    return recovered
  }

  /// How many rows of a table are lost, by its number of rows where that is known.
  private func lost(_ table: String, kept: Int, known: Int) -> Int {
    max(known, (damaged.entries(of: table) ?? 0) - kept)
  }

  /// Whether a table that leads to a record does so; true if that cannot be known.
  private func isConfirmed(_ table: String, _ key: [UInt8], _ isRight: ([UInt8]) -> Bool) -> Bool {
    do throws(MalformedBytes) {
      return try damaged.value(of: key, in: table).map(isRight) ?? false
    } catch { return true }
  }

  /// The tables of the new index with the settings of the old one, and the format of the old one.
  private func createTables(in environment: Environment, at folder: String) throws -> (
    tables: IndexTables, format: Int
  ) {
    var failure: (any Error)?
    for rows in candidateSettings() {
      do {
        return try environment.write { transaction in
          let meta = try Table<UTF8Text, UTF8Text>(
            opening: MetadataTable.name, in: transaction, create: true)
          for (key, value) in rows { try meta.raw.put(key, value, in: transaction) }
          let layout = try MetadataTable.read(meta, of: path, in: transaction)
          let format = try MetadataTable.format(meta, of: path, in: transaction)
          try MetadataTable.upgrade(meta, in: transaction)
          let tables = try IndexTables(
            of: folder, meta: meta, layout: layout, in: transaction, create: true)
          return (tables, format)
        }
      } catch let error as RetrievalError {
        failure = failure ?? error
      }
    }
    if let failure = failure as? RetrievalError, failure.code == .unknownFormat { throw failure }
    throw RetrievalError(
      .beyondRepair,
      "\(path): nothing of the index can be recovered: its settings are nowhere in data.mdb; delete the "
        + "directory and index again")
  }

  /// Rows of `meta`: those of the newest snapshot, then of every page that has such rows, the newest first by
  /// the ids that were assigned.
  private func candidateSettings() -> [[[UInt8]: [UInt8]]] {
    var current: [[UInt8]: [UInt8]] = [:]
    // The closure throws nothing.
    try? damaged.forEachRow(of: MetadataTable.name) { row in
      if row.isCurrent { current[row.key] = row.value }
      return true
    }
    func assigned(_ rows: [[UInt8]: [UInt8]]) -> UInt64 {
      [MetadataTable.Counter.picture, .text].reduce(0) { sum, counter in
        let value = rows[Array(counter.rawValue.utf8)] ?? []
        return sum &+ (UInt64(String(decoding: value, as: UTF8.self)) ?? 0)
      }
    }
    let others = damaged.leaves(withKey: Array("format_version".utf8))
    return [current] + others.sorted { assigned($0) > assigned($1) }
  }
}

/// Copies rows of a damaged index into a new one, some megabytes in a transaction.
private final class RowCopy {
  private static let mostBytes = 32 << 20

  private let damaged: TableRecovery
  private let environment: Environment

  init(from damaged: TableRecovery, to environment: Environment) {
    (self.damaged, self.environment) = (damaged, environment)
  }

  /// Copies the rows of a table that can be decoded.
  /// - Parameter isConfirmed: Whether a row is taken that may be older than what was stored last.
  func records<V: Codec>(
    of table: Table<BigEndianUInt64, V>, _ isConfirmed: (UInt64, V.Value) -> Bool
  ) throws {
    try rows(of: table) { key, value in
      Self.id(key) != nil && (try? V.decode(value.span.bytes)) != nil
    } isConfirmed: { row in
      guard let id = Self.id(row.key), let value = try? V.decode(row.value.span.bytes) else {
        return false
      }
      return isConfirmed(id, value)
    }
  }

  /// Copies the sound rows of a table.
  func rows<K: Codec, V: Codec>(
    of table: Table<K, V>, isSound: ([UInt8], [UInt8]) -> Bool,
    isConfirmed: (TableRecovery.Row) -> Bool = { _ in false }
  ) throws {
    var batch: [[UInt8]: [UInt8]] = [:]
    var bytes = 0
    func flush() throws {
      try environment.write { transaction in
        for (key, value) in batch.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
          try table.raw.put(key, value, in: transaction)
        }
      }
      (batch, bytes) = ([:], 0)
    }
    try damaged.forEachRow(of: table.name) { row in
      guard isSound(row.key, row.value) else { return false }
      if !row.isCurrent {
        guard batch[row.key] == nil, isConfirmed(row),
          try environment.read({ try table.raw.bytes(row.key, in: $0) { _ in } }) == nil
        else { return true }
      }
      batch[row.key] = row.value
      bytes += row.key.count + row.value.count
      if bytes > Self.mostBytes { try flush() }
      return true
    }
    try flush()
  }

  /// Copies the sound embeddings of a table.
  /// - Parameter isGrouped: Whether a row of the damaged table holds those of many ids.
  func embeddings(to table: EmbeddingTable, isGrouped: Bool) throws {
    var batch: [UInt64: [Float]?] = [:]
    func flush() throws {
      try environment.write { try table.apply(batch, in: $0) }
      batch = [:]
    }
    try damaged.forEachRow(of: table.table.name) { row in
      guard row.isCurrent else { return false }
      var isSound = true
      try EmbeddingTable.forEachFound(
        inRow: row.key, row.value.span.bytes, size: table.size, isGrouped: isGrouped
      ) { found in
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

  private static func id(_ key: [UInt8]) -> UInt64? {
    guard let id = try? BigEndianUInt64.decode(key.span.bytes), ValidRecords.ids.contains(id) else {
      return nil
    }
    return id
  }
}
