internal import LMDB
internal import TextIndex

extension IndexTables {
  /// Compares the terms with those of the other tables, from which they can be made anew.
  /// - Parameter sound: Nil verifies their checksums only.
  func checkTerms<T: Transaction & ~Copyable>(
    _ sound: ValidRecords?, _ findings: Findings, in transaction: borrowing T
  ) throws {
    // An older index has none until the next run that indexes.
    guard let terms, try hasTerms(in: transaction) else { return }
    guard let sound else { return try checkRows(of: terms, findings, in: transaction) }
    let expected = InMemoryTextIndex()
    let analyzer = Analyzer()
    let version = try? MetadataTable.termsVersion(meta, in: transaction)
    // Terms of another analysis cannot be compared; the next run that indexes makes them anew.
    guard version == analyzer.version || version == nil else { return }
    var changes: [UInt64: TextChange] = [:]
    for id in sound.pictures.sorted() {
      let document = try document(of: id, analyzer, skipsDamage: true, in: transaction)
      changes[id] = TextChange(old: nil, new: document)
      guard changes.count >= 4 * Int(PostingBlock.idsPerBlock) else { continue }
      try expected.apply(changes)
      changes = [:]
    }
    try expected.apply(changes)
    try compare(terms, with: expected, findings, in: transaction)
  }

  private func checkRows<T: Transaction & ~Copyable>(
    of terms: TermTable, _ findings: Findings, in transaction: borrowing T
  ) throws {
    try findings.scan(terms.table, in: transaction) { _, value in
      do throws(MalformedBytes) { _ = try TermTable.unsealed(value) } catch {
        findings.add(terms.table.name, .rebuild, error.reason)
      }
    }
  }

  private func compare<T: Transaction & ~Copyable>(
    _ terms: TermTable, with expected: InMemoryTextIndex, _ findings: Findings,
    in transaction: borrowing T
  ) throws {
    let name = terms.table.name
    var missing = expected.blocks.reduce(0) { $0 + $1.value.count }
    var hasStatistics = false
    try findings.scan(terms.table, in: transaction) { key, value in
      let bytes: [UInt8]
      do throws(MalformedBytes) {
        if key == TermTable.statisticsKey {
          hasStatistics = true
          guard try TermTable.statistics(RawBytes.decode(value)) != expected.statistics() else {
            return
          }
          return findings.add(name, .rebuild, "statistics that are not those of the pictures")
        }
        bytes = try TermTable.unsealed(value)
      } catch { return findings.add(name, .rebuild, error.reason) }
      guard let (term, number) = TermTable.parse(key),
        let block = expected.block(number, of: term)
      else { return findings.add(name, .rebuild, "a row of a term that no picture has") }
      missing -= 1
      if block != bytes { findings.add(name, .rebuild, "a row that is not of its pictures") }
    }
    if !hasStatistics { findings.add(name, .rebuild, "no statistics") }
    if missing > 0 { findings.add(name, .rebuild, "\(missing) rows are not there") }
  }
}
