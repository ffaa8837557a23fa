internal import LMDB

extension IndexWriter {
  /// Replaces all texts of a picture (nil: texts of no picture) by these, under new ids.
  ///
  /// Throws where there is no such picture, and where an embedding has not the index's size or not
  /// length 1 within 1e-3.
  package func setTexts(
    _ texts: [(text: String, embedding: [Float])], of picture: UInt64?,
    source: TextSource = .captions
  ) throws {
    if let picture, try !tables.pictures.contains(picture, in: transaction) {
      throw RetrievalError("\(tables.path): there is no picture \(picture) for its texts")
    }
    for (text, embedding) in texts {
      if let fault = tables.fault(of: embedding) {
        throw RetrievalError("\(tables.path): the text “\(text)” has \(fault)")
      }
    }
    try willChangeWords(of: picture)
    try removeTexts(of: picture)
    for (text, embedding) in texts {
      try append(TextRecord(text: text, picture: picture, source: source), embedding)
    }
  }

  /// Adds a text to those of its picture, or of no picture, under a new id.
  ///
  /// Throws as `setTexts`.
  package func addText(_ record: TextRecord, embedding: [Float]) throws {
    try check(record, embedding)
    try willChangeWords(of: record.picture)
    try append(record, embedding)
  }

  private func check(_ record: TextRecord, _ embedding: [Float]) throws {
    if let fault = tables.fault(of: embedding) {
      throw RetrievalError("\(tables.path): the text “\(record.text)” has \(fault)")
    }
    if let picture = record.picture, try !tables.pictures.contains(picture, in: transaction) {
      throw RetrievalError("\(tables.path): there is no picture \(picture) for its texts")
    }
  }

  /// Replaces the synthetic texts of a picture by one.
  ///
  /// Throws as `setTexts`.
  package func setSyntheticText(_ record: TextRecord, embedding: [Float]) throws {
    precondition(record.source.isSynthetic)
    try check(record, embedding)
    try willChangeWords(of: record.picture)
    try removeTexts(of: record.picture, where: \.isSynthetic)
    try append(record, embedding)
  }

  /// Drops the synthetic texts of a picture, or those of no picture.
  package func removeSyntheticTexts(of picture: UInt64?) throws {
    try willChangeWords(of: picture)
    try removeTexts(of: picture, where: \.isSynthetic)
  }

  private func append(_ record: TextRecord, _ embedding: [Float]) throws {
    let id = try MetadataTable.nextID(.text, tables.meta, of: tables.path, in: transaction)
    try tables.texts.append(id, record, in: transaction)
    try tables.pictureTexts.put((record.picture ?? 0, id), (), in: transaction)
    try change(.texts, id, to: embedding)
  }

  /// Drops the texts of a picture, or those of some sources.
  func removeTexts(
    of picture: UInt64?, where isRemoved: ((TextSource) -> Bool)? = nil
  ) throws {
    for id in try tables.textIDs(of: picture, in: transaction) {
      if let isRemoved {
        guard let record = try tables.texts.get(id, in: transaction), isRemoved(record.source)
        else { continue }
      }
      changed.add(.texts, id)
      try tables.texts.delete(id, in: transaction)
      try tables.pictureTexts.delete((picture ?? 0, id), in: transaction)
      try change(.texts, id, to: nil)
    }
  }
}
