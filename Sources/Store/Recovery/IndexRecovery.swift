internal import Digests
internal import LMDB

/// What a new index does not have that the damaged one had.
struct RecoveredIndex {
  /// Whether no more can be lost than the numbers say.
  var isCounted = true
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
  private let changes: KnownChanges

  init(of path: String, from damaged: TableRecovery) {
    (self.path, self.damaged) = (path, damaged)
    changes = KnownChanges(damaged)
  }

  /// Writes a new index into an empty folder.
  func write(to folder: String) throws -> RecoveredIndex {
    let environment = try Environment(folder, access: .readWrite)
    let (old, tables) = try createTables(in: environment, at: folder)
    try copyRows(RowCopy(from: damaged, to: environment), from: old, to: tables)
    try environment.write { transaction in
      let outdated = changes.outdated(of: tables.mark)
      for id in outdated.pictures { try tables.pictures.delete(id, in: transaction) }
      for id in outdated.texts { try tables.texts.delete(id, in: transaction) }
    }
    var recovered = RecoveredIndex()
    let newest = changes.newest(of: tables.mark)
    recovered.isCounted =
      damaged.isNewest || newest != nil && newest?.transaction == damaged.transaction
    try environment.write { try tables.completeRecovery(&recovered, in: $0) }
    try environment.read { transaction in
      recovered.lostPictures = lost(
        "pictures", kept: try tables.pictures.statistics(in: transaction).entries,
        of: newest?.pictures, known: recovered.lostPictures)
      recovered.lostTexts = lost(
        "texts", kept: try tables.texts.statistics(in: transaction).entries,
        of: newest?.texts, known: recovered.lostTexts)
    }
    return recovered
  }

  private func copyRows(_ copy: RowCopy, from old: IndexTables, to tables: IndexTables) throws {
    try copy.embeddings(from: old.embeddings, to: tables.embeddings)
    try copy.embeddings(from: old.textEmbeddings, to: tables.textEmbeddings)
    if tables.layout.features != .none {
      try copy.rows(to: tables.features.raw) { key, value in
        guard let id = RowCopy.id(key), old.isSound(features: value, of: id) else { return nil }
        return FeatureCodec.sealed(value, seed: tables.featureSeed(id))
      }
    }
    try copy.records(from: old.pictures, to: tables.pictures) { id, record in
      // A row of a picture that was removed or changed may still lie somewhere.
      isConfirmed("paths", SHA256.digest(of: record.path)) { $0 == LittleEndianUInt64.encode(id) }
        && isConfirmed("hashes", HashAndIDKey.encode((record.contentHash, id))) { _ in true }
    }
    try copy.records(from: old.texts, to: tables.texts) { id, record in
      isConfirmed("picture_texts", IDPairKey.encode((record.picture ?? 0, id))) { _ in true }
    }
    // What of these is lost is made again from the pictures' files by the next run that indexes.
    if let old = old.details, let details = tables.details {
      try copy.records(from: old, to: details)
    }
    if let old = old.signatures, let signatures = tables.signatures {
      try copy.records(from: old, to: signatures)
    }
    if let old = old.shownTexts, let shownTexts = tables.shownTexts {
      try copy.records(from: old, to: shownTexts)
    }
    if let old = old.hubness, let hubness = tables.hubness {
      try copy.records(from: old, to: hubness)
    }
    try copy.rows(to: tables.failures.rows.raw) { key, value in
      guard let failure = try? old.failures.decode(value.span.bytes, key: key),
        SHA256.digest(of: failure.path) == key
      else { return nil }
      return tables.failures.encode(failure, key: key)
    }
  }

  /// How many rows of a table are lost, by its number of rows where that is known.
  private func lost(_ table: String, kept: Int, of all: UInt64?, known: Int) -> Int {
    max(known, max(damaged.entries(of: table) ?? 0, all.map { Int(clamping: $0) } ?? 0) - kept)
  }

  /// Whether a table that leads to a record does so; true if that cannot be known.
  private func isConfirmed(_ table: String, _ key: [UInt8], _ isRight: ([UInt8]) -> Bool) -> Bool {
    do throws(MalformedBytes) {
      return try damaged.value(of: key, in: table).map(isRight) ?? false
    } catch { return true }
  }

  /// The tables of the new index with the settings of the old one, and the same as the old one has them.
  private func createTables(in environment: Environment, at folder: String) throws -> (
    old: IndexTables, new: IndexTables
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
          let old = try IndexTables(
            of: path, meta: meta, layout: layout, format: format, in: transaction, create: true)
          try MetadataTable.upgrade(meta, in: transaction)
          let new = try IndexTables(
            of: folder, meta: meta, layout: layout,
            format: MetadataTable.format(meta, of: path, in: transaction), in: transaction,
            create: true)
          return (old, new)
        }
      } catch let error as RetrievalError {
        failure = failure ?? error
      }
    }
    if let failure = failure as? RetrievalError, failure.code == .unknownFormat { throw failure }
    throw RetrievalError(
      .beyondRepair,
      "\(path): nothing of the index can be recovered: its settings are nowhere; delete the "
        + "directory and index again")
  }

  /// Rows of `meta`: those of the newest snapshot, then of every page that has such rows, the newest first by
  /// the ids that were assigned, then those of the settings file; those of another index, by the mark of most pictures, are left out.
  private func candidateSettings() -> [[[UInt8]: [UInt8]]] {
    var current: [[UInt8]: [UInt8]] = [:]
    var marks: [UInt32: Int] = [:]
    // The closures throw nothing.
    try? damaged.forEachRow(of: MetadataTable.name) { row in
      if row.isCurrent { current[row.key] = row.value }
      return true
    }
    try? damaged.forEachRow(of: "pictures") { row in
      if let mark = RecordSeal.mark(of: row.value.span.bytes) { marks[mark, default: 0] += 1 }
      return true
    }
    func number(_ name: String, _ rows: [[UInt8]: [UInt8]]) -> UInt64? {
      rows[Array(name.utf8)].flatMap { UInt64(String(decoding: $0, as: UTF8.self)) }
    }
    func assigned(_ rows: [[UInt8]: [UInt8]]) -> UInt64 {
      [MetadataTable.Counter.picture, .text].reduce(0) { $0 &+ (number($1.rawValue, rows) ?? 0) }
    }
    func pictures(_ rows: [[UInt8]: [UInt8]]) -> Int? {
      number(MetadataTable.markName, rows).map { marks[UInt32(truncatingIfNeeded: $0)] ?? 0 }
    }
    let copies = damaged.leaves(withKey: Array(SettingsCopy.key.utf8)).compactMap {
      $0[Array(SettingsCopy.key.utf8)].flatMap(SettingsCopy.rows(ofStray:))
    }
    let others = damaged.leaves(withKey: Array(MetadataTable.formatName.utf8))
    // Copies tell whether they are as they were written.
    let all =
      copies.sorted { assigned($0) > assigned($1) } + [current]
      + others.sorted { assigned($0) > assigned($1) }
      + [SettingsFile.rows(at: path)].compactMap { $0 }
    // Settings of format 1 to 4 have no mark.
    let most = all.compactMap(pictures).max() ?? 0
    return all.filter { pictures($0) == most } + all.filter { pictures($0) == nil }
  }
}

extension IndexTables {
  fileprivate func isSound(features: [UInt8], of id: UInt64) -> Bool {
    let sizes = layout.sizes
    let decoded = try? FeatureCodec.decode(
      features.span.bytes, rows: sizes.featureRows, columns: sizes.featureColumns,
      as: layout.features, seed: featureSeed(id))
    return decoded != nil
  }
}
