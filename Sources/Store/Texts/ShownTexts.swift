internal import Images
internal import LMDB

/// A row of `shown_texts`: a checksum u32 of what follows (the lower half of the checksum of the bytes),
/// then the words that a picture shows, UTF-8, which are none where it shows none.
enum ShownTextCodec: Codec {
  static func encode(_ text: String) -> [UInt8] { SummedBytes.encode(Array(text.utf8)) }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> String {
    let text = try SummedBytes.decode(bytes, of: "a text in the picture")
    guard let valid = String(validating: text, as: UTF8.self), valid == ShownText.cleaned(valid)
    else { throw MalformedBytes("a text in the picture that cannot be read") }
    return valid
  }
}

extension MetadataTable {
  private static let readsText = "text_in_pictures"
  private static let language = "eng"

  /// Whether the text in pictures is read when they are indexed.
  static func readsText<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, in transaction: borrowing T
  ) throws -> Bool {
    try meta.get(readsText, in: transaction) != nil
  }

  /// Says whether the text in pictures is read when they are indexed.
  static func setReadsText(
    _ isRead: Bool, _ meta: Table<UTF8Text, UTF8Text>, in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    if isRead {
      try meta.put(readsText, language, in: transaction)
    } else {
      try meta.delete(readsText, in: transaction)
    }
  }
}

extension IndexLookups where Self: ~Copyable {
  /// Whether the text in pictures is read when they are indexed.
  package func readsText() throws -> Bool {
    try MetadataTable.readsText(reader.tables.meta, in: reader.transaction)
  }

  /// The words that a picture shows, separated by spaces; nil where that was not read.
  package func shownText(picture id: UInt64) throws -> String? {
    try reader.tables.shownTexts?.get(id, in: reader.transaction)
  }
}

extension IndexSnapshot {
  /// Whether the text that a picture shows was read.
  package func hasShownText(picture id: UInt64) throws -> Bool {
    try tables.shownTexts?.contains(id, in: transaction) ?? false
  }

  /// Of how many pictures the text that they show was read, also where they show none.
  package func shownTextCount() throws -> Int {
    try tables.shownTexts?.statistics(in: transaction).entries ?? 0
  }

  /// How many pictures show words.
  package func picturesWithText() throws -> Int {
    var count = 0
    try tables.shownTexts?.forEachBytes(in: transaction) { _, text in
      if text.byteCount > 4 { count += 1 }
    }
    return count
  }

  /// At most so many of the pictures of which the text was read, by id.
  package func picturesWithShownText(most: Int) throws -> [UInt64] {
    var ids: [UInt64] = []
    guard let shownTexts = tables.shownTexts, try shownTextCount() > 0 else { return [] }
    try shownTexts.forEachBytes(in: transaction) { id, _ in
      if ids.count < most { ids.append(id) }
    }
    return ids
  }
}

extension IndexWriter {
  /// Says whether the text in pictures is read when they are indexed.
  package func setReadsText(_ isRead: Bool) throws {
    try MetadataTable.setReadsText(isRead, tables.meta, in: transaction)
  }

  /// Stores the words that a picture shows (nil: they were not read). Throws where there is no such picture.
  package func setShownText(_ text: String?, of id: UInt64) throws {
    guard try tables.pictures.contains(id, in: transaction) else {
      throw RetrievalError("\(tables.path): there is no picture \(id) for its text")
    }
    try willChangeWords(of: id)
    guard let text else { return _ = try tables.shownTexts?.delete(id, in: transaction) }
    try tables.shownTexts?.put(id, text, in: transaction)
  }
}
