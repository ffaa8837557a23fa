internal import Files
internal import Images
internal import LMDB
internal import TextIndex

extension IndexTables {
  /// What the index knows of a picture in words, from all its tables; nil where there is no such picture.
  /// - Parameter skipsDamage: Rows that cannot be read are left out instead of an error.
  func document<T: Transaction & ~Copyable>(
    of id: UInt64, _ analyzer: Analyzer, skipsDamage: Bool = false, in transaction: borrowing T
  ) throws -> TextDocument? {
    let record =
      skipsDamage
      ? try pictures.sound(id, in: transaction) : try pictures.get(id, in: transaction)
    guard let record else { return nil }
    var fields: [TextField: [String]] = [:]
    func add(_ text: String?, to field: TextField) {
      guard let text else { return }
      fields[field, default: []] += analyzer.terms(of: text, for: .index)
    }
    var components = CollectionRoots.parts(of: record.path).path.split(separator: .slash)
    if let file = components.popLast() {
      let name = String(
        decoding: file[..<(file.lastIndex(of: UInt8(ascii: ".")) ?? file.endIndex)], as: UTF8.self)
      fields[.name] = analyzer.terms(ofName: name)
    }
    for folder in components {
      fields[.folder, default: []] += analyzer.terms(
        ofName: String(decoding: folder, as: UTF8.self))
    }
    let ids =
      skipsDamage
      ? try soundTextIDs(of: id, in: transaction) : try textIDs(of: id, in: transaction)
    for text in ids {
      let record =
        skipsDamage
        ? try texts.sound(text, in: transaction) : try texts.get(text, in: transaction)
      guard let record else { continue }
      add(record.text, to: record.source.isSynthetic ? .syntheticCaption : .caption)
    }
    let details =
      skipsDamage
      ? try details?.sound(id, in: transaction) : try details?.get(id, in: transaction)
    if let details {
      add(details.title, to: .title)
      add(details.description, to: .description)
      for keyword in details.keywords { add(keyword, to: .keyword) }
      for place in details.places { add(place, to: .place) }
      add(details.camera, to: .camera)
    }
    add(
      skipsDamage
        ? try shownTexts?.sound(id, in: transaction) : try shownTexts?.get(id, in: transaction),
      to: .textInPicture)
    return TextDocument(fields)
  }

  /// The texts of a picture by the rows that can be read.
  private func soundTextIDs<T: Transaction & ~Copyable>(
    of picture: UInt64, in transaction: borrowing T
  ) throws -> [UInt64] {
    var ids: [UInt64] = []
    try pictureTexts.raw.forEachBytes(
      in: transaction, from: IDPairKey.encode((picture, 0)),
      through: IDPairKey.encode((picture, .max))
    ) { key, _ in
      if let pair = try? IDPairKey.decode(key.span.bytes) { ids.append(pair.second) }
    }
    return ids
  }

  /// Whether there are terms, sound or not.
  func hasTerms<T: Transaction & ~Copyable>(in transaction: borrowing T) throws -> Bool {
    try terms.map { try $0.table.statistics(in: transaction).entries > 0 } ?? false
  }

  /// Whether the terms have to be made anew before they can be kept up.
  func needsTerms<T: Transaction & ~Copyable>(in transaction: borrowing T) throws -> Bool {
    guard let terms else { return false }
    return try !terms.isBuilt(in: transaction)
      || MetadataTable.termsVersion(meta, in: transaction) != Analyzer().version
  }

  /// Makes all terms anew from the other tables.
  func rebuildTerms(in transaction: borrowing WriteTransaction) throws {
    guard let terms else { return }
    try terms.table.removeAll(in: transaction)
    let analyzer = Analyzer()
    let writer = TermWriter(terms, in: transaction)
    try writer.put(TextStatistics())
    var ids: [UInt64] = []
    try pictures.forEachBytes(in: transaction) { id, _ in ids.append(id) }
    // Whole blocks, so that each is written once.
    var next = 0
    while next < ids.count {
      let last = (PostingBlock.number(of: ids[next]) + 8) * PostingBlock.idsPerBlock
      var changes: [UInt64: TextChange] = [:]
      while next < ids.count, ids[next] < last {
        let document = try document(of: ids[next], analyzer, in: transaction)
        changes[ids[next]] = TextChange(old: nil, new: document)
        next += 1
      }
      try writer.apply(changes)
    }
    try MetadataTable.setTermsVersion(analyzer.version, meta, in: transaction)
  }
}

extension IndexStore {
  /// Makes the terms of an index that has none yet, or whose terms were made by another analysis of texts.
  /// - Parameter isRebuilt: Makes them in any case.
  package func updateTextIndex(isRebuilt: Bool = false) throws {
    guard try isRebuilt || read({ try $0.tables.needsTerms(in: $0.transaction) }) else { return }
    try write { try $0.tables.rebuildTerms(in: $0.transaction) }
  }
}

/// Documents as they were before a transaction changed them, so that a block of postings is written once
/// for all that change it.
final class PendingDocuments {
  /// Some megabytes; then they are stored before the transaction's end.
  private static let most = 8192
  private lazy var analyzer = Analyzer()
  private var old: [UInt64: TextDocument?] = [:]

  var isFull: Bool { old.count >= Self.most }

  /// Notes a picture that is about to be changed, added or removed.
  func willChange(
    _ id: UInt64, in tables: IndexTables, _ transaction: borrowing WriteTransaction
  ) throws {
    guard old[id] == nil, let terms = tables.terms, try terms.isBuilt(in: transaction) else {
      return
    }
    let document = try tables.document(of: id, analyzer, in: transaction)
    old.updateValue(document, forKey: id)
  }

  func store(in tables: IndexTables, _ transaction: borrowing WriteTransaction) throws {
    guard !old.isEmpty, let terms = tables.terms else { return }
    var changes: [UInt64: TextChange] = [:]
    for (id, document) in old {
      changes[id] = TextChange(
        old: document, new: try tables.document(of: id, analyzer, in: transaction))
    }
    old = [:]
    let writer = TermWriter(terms, in: transaction)
    try terms.reading { try writer.apply(changes) }
  }
}
