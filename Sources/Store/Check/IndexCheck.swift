internal import LMDB

/// The result of checking everything in an index.
public struct IndexCheck: Sendable, Equatable {
  /// How a repair fixes a fault.
  public enum Repair: String, Sendable, CaseIterable {
    /// Rebuilt from the other tables, or removed if it belongs to nothing: no data is lost.
    case rebuild
    /// The pictures or texts that it concerns are removed if they cannot be recovered; the next `blip index`
    /// finds them as new and encodes them again.
    case reindex
  }

  /// Faults of a table that are fixed in the same way.
  public struct Fault: Sendable, Equatable {
    /// The table.
    public let table: String
    /// How it is fixed.
    public let repair: Repair
    /// The number of occurrences.
    public internal(set) var count: Int
    /// Descriptions of the first ones, at most `IndexCheck.mostExamples`.
    public internal(set) var examples: [String]
  }

  /// The most examples that are described for each fault.
  public static let mostExamples = 20

  /// The tables that were checked.
  public let tables: [TableSize]
  /// The faults by table; empty if the index is sound.
  public private(set) var faults: [Fault]

  /// Whether no fault was found.
  public var isSound: Bool { faults.isEmpty }
  /// The number of faults that are fixed in this way.
  public func count(_ repair: Repair) -> Int {
    faults.reduce(0) { $0 + ($1.repair == repair ? $1.count : 0) }
  }
}

extension IndexStore {
  /// Checks the pages of an index, and then every record (`IndexSnapshot.check`).
  package func check() throws(RetrievalError) -> IndexCheck {
    try asRetrievalError {
      let pages = try environment.checkPages()
      return pages.faults.isEmpty ? try read { try $0.check() } : IndexCheck(pages)
    }
  }

  /// Throws where something is wrong, so that nothing is written into a damaged index. Terms are not
  /// compared with what they were made from, which takes long.
  /// - Parameter rebuilt: Tables that are about to be made again.
  package func requireSound(except rebuilt: Set<String> = []) throws(RetrievalError) {
    let check = try asRetrievalError {
      try environment.checkPages().requireSound(path)
      return try read { try $0.check(comparingTerms: false) }
    }
    guard let fault = check.faults.first(where: { !rebuilt.contains($0.table) }) else { return }
    throw RetrievalError(
      .needsRepair,
      "\(path): the index is damaged (\(fault.table): \(fault.examples.first ?? "")); repair it first"
    )
  }

  /// The same of an index that is not open, and may be too damaged to be.
  package static func check(_ path: String) throws(RetrievalError) -> IndexCheck {
    try requireIndex(at: path)
    do throws(RetrievalError) { return try open(path).check() } catch {
      switch error.code {
      case .needsRepair, .damaged, .notAnIndex: break
      default: throw error
      }
      return try asRetrievalError {
        try IndexCheck(of: PageFile(path + "/data.mdb"), in: path, error)
      }
    }
  }
}

extension PageCheck {
  /// Throws where a page is damaged.
  func requireSound(_ path: String) throws(RetrievalError) {
    guard let fault = faults.first else { return }
    throw RetrievalError(
      .needsRepair,
      "\(path): the index is damaged (\(fault.table): \(fault.examples.first ?? "")); repair it first"
    )
  }
}

extension IndexCheck {
  init(_ pages: PageCheck) {
    tables = pages.tables.map { TableSize(name: $0.name, entries: $0.entries, bytes: 0) }
    faults = pages.faults.map {
      // Free pages are none of the index's contents.
      Fault(
        table: $0.table, repair: $0.table == PageCheck.freePages ? .rebuild : .reindex,
        count: $0.count, examples: $0.examples)
    }
  }

  /// Of a file that cannot be opened.
  fileprivate init(
    of file: PageFile, in folder: String, _ error: RetrievalError
  ) throws(RetrievalError) {
    let pages = file.snapshots.first.map { file.check($0) }
    guard
      pages != nil || !TableRecovery(file).names.isEmpty || SettingsFile.rows(at: folder) != nil
    else {
      throw RetrievalError(
        .beyondRepair,
        "\(file.path): no table of an index is found in it; if it was an index, delete the directory and "
          + "index again")
    }
    // A file of another program has other tables, and nothing wrong with its pages.
    if error.code == .notAnIndex, pages?.faults.isEmpty ?? false { throw error }
    self.init(pages ?? PageCheck())
    if faults.isEmpty || file.snapshots.count < 2 {
      // Settings that are not as they were written, in sound pages, are found elsewhere.
      let (table, repair) =
        error.code == .damaged ? (MetadataTable.name, Repair.rebuild) : ("file", .reindex)
      faults.insert(
        Fault(table: table, repair: repair, count: 1, examples: [error.description]), at: 0)
    }
  }
}

extension IndexSnapshot {
  /// Checks every record of the index, and that its tables agree with each other. Finds all faults, not
  /// only the first; a thrown error is not a fault of the index.
  package func check(comparingTerms: Bool = true) throws -> IndexCheck {
    try tables.check(in: transaction, comparingTerms: comparingTerms)
  }
}

extension IndexTables {
  func check<T: Transaction & ~Copyable>(in transaction: borrowing T, comparingTerms: Bool) throws
    -> IndexCheck
  {
    let findings = Findings()
    let sound = try ValidRecords(self, findings, in: transaction)
    try checkReferences(findings, in: transaction)
    try checkReadings(findings, in: transaction)
    try checkFailures(findings, in: transaction)
    try checkSettings(sound, findings, in: transaction)
    try checkVectors(sound, findings, in: transaction)
    try checkTerms(comparingTerms ? sound : nil, findings, in: transaction)
    let sizes = try sizes(in: transaction)
    let names = sizes.map(\.name)
    let faults = findings.faults.sorted {
      names.firstIndex(of: $0.table)! < names.firstIndex(of: $1.table)!
    }
    return IndexCheck(tables: sizes, faults: faults)
  }
}

/// The faults found so far. All are counted, and the first of each kind are kept: a check of a ruin
/// takes no more memory than that of a sound index.
final class Findings {
  private(set) var faults: [IndexCheck.Fault] = []

  func add(_ table: String, _ repair: IndexCheck.Repair, _ what: @autoclosure () -> String) {
    let index =
      faults.firstIndex { $0.table == table && $0.repair == repair } ?? faults.endIndex
    if index == faults.endIndex {
      faults.append(IndexCheck.Fault(table: table, repair: repair, count: 0, examples: []))
    }
    faults[index].count += 1
    if faults[index].examples.count < IndexCheck.mostExamples {
      faults[index].examples.append(what())
    }
  }

  /// Goes through a table as its bytes lie; where LMDB finds its pages damaged, the rest cannot be read.
  func scan<K: Codec, V: Codec, T: Transaction & ~Copyable>(
    _ table: Table<K, V>, in transaction: borrowing T, _ body: ([UInt8], RawSpan) throws -> Void
  ) throws {
    try reading(table.name) {
      try table.raw.forEachBytes(in: transaction) { try body($0, $1) }
    }
  }

  /// Pages that LMDB cannot read are a fault.
  func reading(_ table: String, _ body: () throws -> Void) throws {
    do { try body() } catch let error as LMDBError {
      add(table, .reindex, "cannot be read to its end (\(error.description))")
    }
  }

  /// What bytes stand for; nil, and a fault, where they stand for nothing.
  func decode<C: Codec>(
    _ codec: C.Type, _ bytes: RawSpan, _ table: String, _ repair: IndexCheck.Repair,
    of what: @autoclosure () -> String
  ) -> C.Value? {
    do throws(MalformedBytes) { return try C.decode(bytes) } catch {
      add(table, repair, "\(what()) has \(error.reason)")
      return nil
    }
  }

  /// The value of a sealed row; nil, and a fault, where it is not as it was written.
  func decode<K: Codec, V: Codec>(
    _ table: SealedTable<K, V>, _ key: [UInt8], _ row: RawSpan, _ repair: IndexCheck.Repair,
    of what: @autoclosure () -> String
  ) -> V.Value? {
    do throws(MalformedBytes) { return try table.decode(row, key: key) } catch {
      add(table.name, repair, "\(what()) has \(error.reason)")
      return nil
    }
  }

  /// The id of a key; nil, and a fault, where it is none. Ids count from 1, and never come near the end.
  func id(_ key: [UInt8], _ table: String, _ repair: IndexCheck.Repair) -> UInt64? {
    guard let id = decode(BigEndianUInt64.self, key.span.bytes, table, repair, of: "a key") else {
      return nil
    }
    guard ValidRecords.ids.contains(id) else {
      add(table, repair, "a row of the impossible id \(id)")
      return nil
    }
    return id
  }
}
