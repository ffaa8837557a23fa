internal import Digests
internal import Files
internal import LMDB

/// What of an index is whole of that which nothing else in it can replace: pictures with their record,
/// embedding and, where the index stores them, features; texts with their record and embedding. A
/// repair keeps these and makes all else from them.
struct ValidRecords {
  /// What an id can be.
  static let ids = 1...UInt64(Int64.max)

  private(set) var pictures: Set<UInt64> = []
  /// Texts of no picture, or of one of the sound ones.
  private(set) var texts: Set<UInt64> = []
  /// The ids that have an embedding, sound or not.
  private(set) var embedded: [VectorSpace: Set<UInt64>] = [:]
  /// The greatest ids in use; 0 where there is none.
  private(set) var greatest: [VectorSpace: UInt64] = [:]

  /// Looks for them; what is not whole goes to `findings`.
  init<T: Transaction & ~Copyable>(
    _ tables: IndexTables, _ findings: Findings, in transaction: borrowing T
  ) throws {
    let recorded = try Self.pictures(in: tables, findings, in: transaction)
    pictures = recorded.subtracting(
      try withoutEmbedding(recorded, .pictures, tables, findings, in: transaction))
    pictures.subtract(
      try Self.withoutFeatures(recorded, tables, findings, in: transaction))
    let texts = try Self.texts(of: recorded, in: tables, findings, in: transaction)
    let faulty = try withoutEmbedding(Set(texts.keys), .texts, tables, findings, in: transaction)
    for (id, picture) in texts where picture.map(pictures.contains) ?? true && !faulty.contains(id)
    {
      self.texts.insert(id)
    }
    greatest = [.pictures: recorded.max() ?? 0, .texts: texts.keys.max() ?? 0]
  }

  /// The pictures with a record, each path but once.
  private static func pictures<T: Transaction & ~Copyable>(
    in tables: IndexTables, _ findings: Findings, in transaction: borrowing T
  ) throws -> Set<UInt64> {
    var ids: Set<UInt64> = []
    var unclaimed: [[UInt8]: UInt64] = [:]
    try findings.scan(tables.pictures.rows, in: transaction) { key, value in
      guard let id = findings.id(key, "pictures", .reindex),
        let record = findings.decode(
          tables.pictures, key, value, .reindex, of: "picture \(id)")
      else { return }
      let name = printable(record.path)
      let hash = SHA256.digest(of: record.path)
      let row = try tables.paths.raw.get(hash, in: transaction)
      let owner = row.flatMap { try? LittleEndianUInt64.decode($0.span.bytes) }
      if owner != id {
        // Indexed again while the row of its path was lost, it is there twice; the row names the newer.
        var other = unclaimed[hash]
        if let owner, try tables.pictures.sound(owner, in: transaction)?.path == record.path {
          other = owner
        }
        if let other {
          findings.add(
            "pictures", .rebuild, "picture \(id) has the path of picture \(other) (\(name))")
          return
        }
        unclaimed[hash] = id
        findings.add("paths", .rebuild, "no row leads to picture \(id) (\(name))")
      }
      ids.insert(id)
      if try !tables.hashes.contains((record.contentHash, id), in: transaction) {
        findings.add("hashes", .rebuild, "no row leads to picture \(id) (\(name))")
      }
    }
    return ids
  }

  /// Those of `ids` whose embedding is missing or broken.
  private mutating func withoutEmbedding<T: Transaction & ~Copyable>(
    _ ids: Set<UInt64>, _ space: VectorSpace, _ tables: IndexTables, _ findings: Findings,
    in transaction: borrowing T
  ) throws -> Set<UInt64> {
    let embeddings = tables.embeddings(of: space)
    let (table, noun) = (embeddings.table.name, space == .pictures ? "picture" : "text")
    var embedded: Set<UInt64> = []
    var faulty: Set<UInt64> = []
    func take(_ id: UInt64, _ fault: String?) {
      embedded.insert(id)
      guard ids.contains(id) else {
        return findings.add(table, .rebuild, "an embedding of \(noun) \(id), which is not there")
      }
      guard let fault else { return }
      faulty.insert(id)
      findings.add(table, .reindex, "\(noun) \(id) has \(fault)")
    }
    try findings.reading(table) {
      try embeddings.forEachFound(in: transaction) { found in
        switch found {
        case .sound(let id, let numbers): take(id, tables.fault(of: numbers))
        case .broken(let id, let fault): take(id, fault)
        case .unreadable(let reason): findings.add(table, .rebuild, "a row is \(reason)")
        }
      }
    }
    for id in ids.subtracting(embedded).sorted() {
      faulty.insert(id)
      findings.add(table, .reindex, "\(noun) \(id) has no embedding")
    }
    self.embedded[space] = embedded
    return faulty
  }

  /// Those of `ids` whose features are missing or broken, where the index stores them.
  private static func withoutFeatures<T: Transaction & ~Copyable>(
    _ ids: Set<UInt64>, _ tables: IndexTables, _ findings: Findings, in transaction: borrowing T
  ) throws -> Set<UInt64> {
    let layout = tables.layout
    var missing = layout.features == .none ? [] : ids
    var broken: Set<UInt64> = []
    try findings.scan(tables.features, in: transaction) { key, value in
      guard let id = findings.id(key, "features", .rebuild) else { return }
      guard ids.contains(id) else {
        return findings.add("features", .rebuild, "features of picture \(id), which is not there")
      }
      guard layout.features != .none else {
        return findings.add(
          "features", .rebuild, "picture \(id) has features, which are not stored")
      }
      missing.remove(id)
      do throws(MalformedBytes) {
        _ = try FeatureCodec.decode(
          value, rows: layout.sizes.featureRows, columns: layout.sizes.featureColumns,
          as: layout.features, seed: tables.featureSeed(id))
      } catch {
        broken.insert(id)
        findings.add("features", .reindex, "picture \(id) has \(error.reason)")
      }
    }
    for id in missing.sorted() {
      findings.add("features", .reindex, "picture \(id) has no features")
    }
    return missing.union(broken)
  }

  /// The texts with a record, and their pictures.
  private static func texts<T: Transaction & ~Copyable>(
    of pictures: Set<UInt64>, in tables: IndexTables, _ findings: Findings,
    in transaction: borrowing T
  ) throws -> [UInt64: UInt64?] {
    var texts: [UInt64: UInt64?] = [:]
    try findings.scan(tables.texts.rows, in: transaction) { key, value in
      guard let id = findings.id(key, "texts", .reindex),
        let record = findings.decode(tables.texts, key, value, .reindex, of: "text \(id)")
      else { return }
      if let picture = record.picture, !pictures.contains(picture) {
        return findings.add(
          "texts", .rebuild, "text \(id) is of picture \(picture), which is not there")
      }
      texts.updateValue(record.picture, forKey: id)
      if try !tables.pictureTexts.contains((record.picture ?? 0, id), in: transaction) {
        findings.add("picture_texts", .rebuild, "no row leads to text \(id)")
      }
    }
    return texts
  }
}
