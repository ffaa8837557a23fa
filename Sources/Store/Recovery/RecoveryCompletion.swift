internal import Digests
internal import LMDB
internal import VectorIndex

extension IndexTables {
  /// Drops what is incomplete of the rows that were recovered, and makes the tables that lead to them.
  func completeRecovery(
    _ recovered: inout RecoveredIndex, in transaction: borrowing WriteTransaction
  ) throws {
    try makePaths(in: transaction)
    let sound = try ValidRecords(self, Findings(), in: transaction)
    try pictures.forEach(in: transaction) { id, record in
      guard !sound.pictures.contains(id) else { return }
      recovered.lostPictures += 1
      if recovered.lostPaths.count < IndexRepair.mostPaths {
        recovered.lostPaths.append(record.path)
      }
    }
    try pictures.rows.keepOnly(sound.pictures, in: transaction)
    recovered.lostTexts = try texts.rows.keepOnly(sound.texts, in: transaction)
    try embeddings.keepOnly(sound.pictures, in: transaction)
    try textEmbeddings.keepOnly(sound.texts, in: transaction)
    try features.keepOnly(sound.pictures, in: transaction)
    try details?.rows.keepOnly(sound.pictures, in: transaction)
    try signatures?.rows.keepOnly(sound.pictures, in: transaction)
    try shownTexts?.rows.keepOnly(sound.pictures, in: transaction)
    try makeReferences(to: sound, in: transaction)
    try completeHubness(of: sound, in: transaction)
    try raiseCounters(above: sound, in: transaction)
    if (try? MetadataTable.recall(meta, of: path, in: transaction)) == nil {
      try MetadataTable.removeRecall(meta, in: transaction)
    }
    if vectors != nil {
      for space in [VectorSpace.pictures, .texts] {
        try rebuildVectorIndex(of: space, in: transaction)
      }
    }
    try rebuildTerms(in: transaction)
    try completeWrite(in: transaction)
  }

  /// The rows that lead from paths to pictures: a picture that is there twice is the newer one.
  private func makePaths(in transaction: borrowing WriteTransaction) throws {
    for id in try embeddings.ids(in: transaction) {
      guard let record = try pictures.get(id, in: transaction) else { continue }
      try paths.put(SHA256.digest(of: record.path), id, in: transaction)
    }
  }

  private func makeReferences(
    to sound: ValidRecords, in transaction: borrowing WriteTransaction
  ) throws {
    try paths.removeAll(in: transaction)
    for id in sound.pictures.sorted() {
      guard let record = try pictures.get(id, in: transaction) else { continue }
      let hash = SHA256.digest(of: record.path)
      try paths.put(hash, id, in: transaction)
      try hashes.put((record.contentHash, id), (), in: transaction)
      try failures.delete(hash, in: transaction)
    }
    for id in sound.texts.sorted() {
      guard let record = try texts.get(id, in: transaction) else { continue }
      try pictureTexts.put((record.picture ?? 0, id), (), in: transaction)
    }
  }

  /// Keeps the hubness if every picture has it; otherwise the next run computes it from the embeddings.
  private func completeHubness(
    of sound: ValidRecords, in transaction: borrowing WriteTransaction
  ) throws {
    guard let hubness else { return }
    try hubness.rows.keepOnly(sound.pictures, in: transaction)
    var least = Float.infinity
    var count = 0
    try hubness.forEach(in: transaction) { _, value in
      least = min(least, value)
      count += 1
    }
    let bank = try MetadataTable.textBank(meta, in: transaction)
    if count == sound.pictures.count, count > 0, bank != nil {
      try MetadataTable.setLeastHubness(least, meta, in: transaction)
    } else {
      try hubness.removeAll(in: transaction)
      try MetadataTable.setTextBank(nil, meta, in: transaction)
    }
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
}
