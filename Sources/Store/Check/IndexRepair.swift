internal import Digests
internal import LMDB

/// What a repair found and did.
public struct IndexRepair: Sendable, Equatable {
  /// What was wrong before.
  public let check: IndexCheck
  /// Pictures that were dropped, to be encoded again by the next `blip index`.
  public let pictures: Int
  /// Texts that were dropped, alone or with their picture.
  public let texts: Int
}

extension IndexStore {
  /// Brings the index into a state that `IndexSnapshot.check` finds sound, in one transaction: pictures
  /// and texts that are whole stay as they are, and all else is made anew from them. A sound index is
  /// left alone, and so is one with faults that cannot be fixed: writing into damaged pages may
  /// lose more. Waits while another run writes the index, and then calls `whenHeld`.
  package func repair(whenHeld: (String) -> Void = { _ in }) throws -> IndexRepair {
    let lock = try WriterLock.take(of: path, shouldStop: { false }, whenHeld: whenHeld)
    defer { withExtendedLifetime(lock) {} }
    return try write { change in
      let tables = change.tables
      let (check, sound) = try tables.check(in: change.transaction)
      guard !check.isSound, check.count(.none) == 0 else {
        return IndexRepair(check: check, pictures: 0, texts: 0)
      }
      let pictures = try tables.pictures.keepOnly(sound.pictures, in: change.transaction)
      let texts = try tables.texts.keepOnly(sound.texts, in: change.transaction)
      try tables.rebuild(from: sound, in: change.transaction)
      if check.touchesVectors { try tables.rebuildVectors(in: change.transaction) }
      // Little work, and any picture or text that was dropped has left its terms.
      if try tables.hasTerms(in: change.transaction) {
        try tables.rebuildTerms(in: change.transaction)
      }
      return IndexRepair(check: check, pictures: pictures, texts: texts)
    }
  }
}

extension IndexCheck {
  /// Whether the vector index may be wrong, or is after embeddings are dropped. To make it anew takes
  /// minutes where there are many vectors.
  fileprivate var touchesVectors: Bool {
    let others: Set = [
      "paths", "hashes", "picture_texts", "failures", "details", "signatures", "terms", "hubness",
      "shown_texts",
    ]
    return faults.contains { !others.contains($0.table) }
  }
}

extension IndexTables {
  /// Drops what belongs to none of the sound, and makes the tables that lead to them.
  fileprivate func rebuild(
    from sound: ValidRecords, in transaction: borrowing WriteTransaction
  ) throws {
    try embeddings.keepOnly(sound.pictures, in: transaction)
    try textEmbeddings.keepOnly(sound.texts, in: transaction)
    try features.keepOnly(layout.features == .none ? [] : sound.pictures, in: transaction)
    try paths.removeAll(in: transaction)
    try hashes.removeAll(in: transaction)
    for id in sound.pictures.sorted() {
      guard let record = try record(id, in: transaction) else { continue }
      try paths.put(SHA256.digest(of: record.path), id, in: transaction)
      try hashes.put((record.contentHash, id), (), in: transaction)
    }
    try pictureTexts.removeAll(in: transaction)
    for id in sound.texts.sorted() {
      guard let record = try texts.get(id, in: transaction) else { continue }
      try pictureTexts.put((record.picture ?? 0, id), (), in: transaction)
    }
    // What is dropped here is read from the files again by the next `blip index`.
    try details?.keepSound(sound.pictures, in: transaction)
    try signatures?.keepSound(sound.pictures, in: transaction)
    try shownTexts?.keepSound(sound.pictures, in: transaction)
    try dropBrokenFailures(in: transaction)
    // The next run computes it from the embeddings.
    try hubness?.removeAll(in: transaction)
    try MetadataTable.setTextBank(nil, meta, in: transaction)
    try raiseCounters(above: sound, in: transaction)
  }

  /// A file whose note is lost is tried again by the next `blip index`.
  private func dropBrokenFailures(in transaction: borrowing WriteTransaction) throws {
    var broken: [[UInt8]] = []
    try failures.raw.forEachBytes(in: transaction) { key, value in
      if Self.failureFault(key, value) != nil { broken.append(key) }
    }
    for key in broken { try failures.raw.delete(key, in: transaction) }
  }

  private func raiseCounters(
    above sound: ValidRecords, in transaction: borrowing WriteTransaction
  ) throws {
    for (counter, space) in [
      (MetadataTable.Counter.picture, VectorSpace.pictures), (.text, .texts),
    ] {
      let next = try MetadataTable.counter(counter, meta, in: transaction)
      let least = (sound.greatest[space] ?? 0) + 1
      let kept = next.flatMap { ValidRecords.ids.contains($0) ? $0 : nil }
      try MetadataTable.setCounter(
        counter, to: max(least, kept ?? 1), meta, in: transaction)
    }
  }

  fileprivate func rebuildVectors(in transaction: borrowing WriteTransaction) throws {
    guard let vectors else { return }
    try vectors.lists.removeAll(in: transaction)
    try vectors.centroids.removeAll(in: transaction)
    try vectors.locations.removeAll(in: transaction)
    if (try? MetadataTable.recall(meta, of: path, in: transaction)) == nil {
      try MetadataTable.removeRecall(meta, in: transaction)
    }
    for space in [VectorSpace.pictures, .texts] {
      try rebuildVectorIndex(of: space, in: transaction)
    }
  }
}

extension Table where Key == BigEndianUInt64 {
  /// Drops all rows but those of these ids; returns how many there were.
  @discardableResult
  fileprivate func keepOnly(
    _ ids: Set<UInt64>, in transaction: borrowing WriteTransaction
  ) throws -> Int {
    var dropped: [[UInt8]] = []
    try raw.forEachBytes(in: transaction) { key, _ in
      guard let id = try? BigEndianUInt64.decode(key.span.bytes), ids.contains(id) else {
        return dropped.append(key)
      }
    }
    for key in dropped { try raw.delete(key, in: transaction) }
    return dropped.count
  }

  /// Drops all rows but those of these ids that can be read.
  fileprivate func keepSound(
    _ ids: Set<UInt64>, in transaction: borrowing WriteTransaction
  ) throws {
    var sound: Set<UInt64> = []
    try raw.forEachBytes(in: transaction) { key, value in
      if let id = try? BigEndianUInt64.decode(key.span.bytes), (try? Value.decode(value)) != nil {
        sound.insert(id)
      }
    }
    try keepOnly(ids.intersection(sound), in: transaction)
  }
}
