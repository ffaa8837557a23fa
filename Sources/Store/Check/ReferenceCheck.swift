internal import Digests
internal import Files
internal import LMDB
internal import VectorIndex

/// The tables that lead from one thing to another, back to where they came from; `ValidRecords` looks
/// the other way, from the things to these tables.
extension IndexTables {
  func checkReferences<T: Transaction & ~Copyable>(
    _ findings: Findings, in transaction: borrowing T
  ) throws {
    try checkPaths(findings, in: transaction)
    try checkHashes(findings, in: transaction)
    try checkPictureTexts(findings, in: transaction)
    try checkHubness(findings, in: transaction)
  }

  private func checkHubness<T: Transaction & ~Copyable>(
    _ findings: Findings, in transaction: borrowing T
  ) throws {
    guard let hubness else { return }
    // One that cannot be read is a fault of its own.
    let least = try? MetadataTable.leastHubness(meta, of: path, in: transaction)
    try findings.scan(hubness.rows, in: transaction) { key, value in
      guard let id = findings.id(key, "hubness", .rebuild),
        let value = findings.decode(hubness, key, value, .rebuild, of: "picture \(id)")
      else { return }
      if try pictures.sound(id, in: transaction) == nil {
        findings.add("hubness", .rebuild, "the hubness of picture \(id), which is not there")
      }
      if let least, value < least {
        findings.add("hubness", .rebuild, "picture \(id) has less than the least hubness")
      }
    }
  }

  private func checkPaths<T: Transaction & ~Copyable>(
    _ findings: Findings, in transaction: borrowing T
  ) throws {
    try findings.scan(paths, in: transaction) { key, value in
      guard
        let hash = findings.decode(HashKey.self, key.span.bytes, "paths", .rebuild, of: "a key"),
        let id = findings.decode(LittleEndianUInt64.self, value, "paths", .rebuild, of: "a row")
      else { return }
      guard let record = try pictures.sound(id, in: transaction) else {
        return findings.add("paths", .rebuild, "a row leads to picture \(id), which is not there")
      }
      if SHA256.digest(of: record.path) != hash {
        findings.add("paths", .rebuild, "a row leads to picture \(id), which has another path")
      }
    }
  }

  private func checkHashes<T: Transaction & ~Copyable>(
    _ findings: Findings, in transaction: borrowing T
  ) throws {
    try findings.scan(hashes, in: transaction) { key, value in
      guard
        let (hash, id) = findings.decode(
          HashAndIDKey.self, key.span.bytes, "hashes", .rebuild, of: "a key"),
        findings.decode(NoBytes.self, value, "hashes", .rebuild, of: "a row") != nil
      else { return }
      guard let record = try pictures.sound(id, in: transaction) else {
        return findings.add("hashes", .rebuild, "a row leads to picture \(id), which is not there")
      }
      if record.contentHash != hash {
        findings.add("hashes", .rebuild, "a row leads to picture \(id), which has other content")
      }
    }
  }

  private func checkPictureTexts<T: Transaction & ~Copyable>(
    _ findings: Findings, in transaction: borrowing T
  ) throws {
    let table = pictureTexts.name
    try findings.scan(pictureTexts, in: transaction) { key, value in
      guard
        let (picture, text) = findings.decode(
          IDPairKey.self, key.span.bytes, table, .rebuild, of: "a key"),
        findings.decode(NoBytes.self, value, table, .rebuild, of: "a row") != nil
      else { return }
      guard let record = try texts.sound(text, in: transaction) else {
        return findings.add(table, .rebuild, "a row leads to text \(text), which is not there")
      }
      if record.picture ?? 0 != picture {
        findings.add(table, .rebuild, "a row leads to text \(text), which is of another picture")
      }
    }
  }

  /// Tables of what can be made of a picture's file again; a row that is missing is no fault.
  func checkReadings<T: Transaction & ~Copyable>(
    _ findings: Findings, in transaction: borrowing T
  ) throws {
    try checkReadings(details, "details", findings, in: transaction)
    try checkReadings(signatures, "a signature", findings, in: transaction)
    try checkReadings(shownTexts, "a text", findings, in: transaction)
  }

  private func checkReadings<C: Codec, T: Transaction & ~Copyable>(
    _ table: SealedTable<BigEndianUInt64, C>?, _ noun: String, _ findings: Findings,
    in transaction: borrowing T
  ) throws {
    guard let table else { return }
    try findings.scan(table.rows, in: transaction) { key, value in
      guard let id = findings.id(key, table.name, .rebuild),
        findings.decode(table, key, value, .rebuild, of: "picture \(id)") != nil
      else { return }
      if try pictures.sound(id, in: transaction) == nil {
        findings.add(table.name, .rebuild, "\(noun) of picture \(id), which is not there")
      }
    }
  }

  func checkFailures<T: Transaction & ~Copyable>(
    _ findings: Findings, in transaction: borrowing T
  ) throws {
    try findings.scan(failures.rows, in: transaction) { key, value in
      let fault = Self.failureFault(key, value, in: failures)
      if let fault { findings.add("failures", .rebuild, fault) }
    }
  }

  /// Why a row is no note of a failure; nil where it is one.
  static func failureFault(
    _ key: [UInt8], _ value: RawSpan, in table: SealedTable<HashKey, FailureCodec>
  ) -> String? {
    do throws(MalformedBytes) {
      let record = try table.decode(value, key: key)
      return SHA256.digest(of: record.path) == key
        ? nil : "the note of \(printable(record.path)) is not where it belongs"
    } catch { return "a note has \(error.reason)" }
  }

  private func checkRecentChanges<T: Transaction & ~Copyable>(
    _ findings: Findings, in transaction: borrowing T
  ) throws {
    guard let recentChanges, try recentChanges.contains(RecentChanges.key, in: transaction),
      try recentChanges.sound(RecentChanges.key, in: transaction) == nil
    else { return }
    findings.add(SettingsCopy.name, .rebuild, "the recent changes are not as they were written")
  }

  /// What `meta` says besides what is read whenever an index is opened.
  func checkSettings<T: Transaction & ~Copyable>(
    _ sound: ValidRecords, _ findings: Findings, in transaction: borrowing T
  ) throws {
    for (counter, space) in [
      (MetadataTable.Counter.picture, VectorSpace.pictures), (.text, .texts),
    ] {
      let next = try MetadataTable.counter(counter, meta, in: transaction)
      let greatest = sound.greatest[space] ?? 0
      if next.map({ $0 <= greatest || !ValidRecords.ids.contains($0) }) ?? true {
        findings.add(
          "meta", .rebuild,
          "\(counter.rawValue) is \(next.map { "\($0)" } ?? "no number"), and \(greatest) is in use"
        )
      }
      do { _ = try ProbeMeasurement(of: space, meta, at: path, in: transaction) } catch {
        findings.add("meta", .rebuild, "the probes measured of \(space) cannot be read")
      }
    }
    do { _ = try MetadataTable.recall(meta, of: path, in: transaction) } catch {
      findings.add("meta", .rebuild, "the recall that was asked for cannot be read")
    }
    try checkRecentChanges(findings, in: transaction)
    do {
      let least = try MetadataTable.leastHubness(meta, of: path, in: transaction)
      if least == nil, try hubness?.statistics(in: transaction).entries ?? 0 > 0 {
        findings.add("meta", .rebuild, "there is no least hubness")
      }
    } catch {
      findings.add("meta", .rebuild, "the least hubness cannot be read")
    }
  }
}
