internal import Digests
internal import Images
internal import LMDB
internal import Tensors

/// The tables of an index, what is fixed about their values, and reading from them.
///
/// Reads take the transaction, so that a snapshot and a change read alike.
struct IndexTables: Sendable {
  let meta: Table<UTF8Text, UTF8Text>
  /// A sealed copy of the settings; nil in an index of format 1 to 4.
  let settingsCopy: SettingsCopy.Copies?
  /// Another row of the same table; nil likewise.
  let recentChanges: RecentChanges.Table?
  let pictures: SealedTable<BigEndianUInt64, PictureCodec>
  let paths: Table<HashKey, LittleEndianUInt64>
  let hashes: Table<HashAndIDKey, NoBytes>
  let embeddings: EmbeddingTable
  let features: Table<BigEndianUInt64, RawBytes>
  let texts: SealedTable<BigEndianUInt64, TextCodec>
  let textEmbeddings: EmbeddingTable
  /// Which texts a picture has: key (picture id, text id); picture 0 has those of no picture.
  let pictureTexts: Table<IDPairKey, NoBytes>
  let failures: SealedTable<HashKey, FailureCodec>
  /// What picture files say of themselves, by picture; a row is there once that was read. Nil in an index
  /// of format 1 to 3.
  let details: SealedTable<BigEndianUInt64, DetailsCodec>?
  /// The words that pictures show, by picture; a row is there once they were read. Nil in an index that was
  /// last written by an older version.
  let shownTexts: SealedTable<BigEndianUInt64, ShownTextCodec>?
  /// The text index; nil in an index of format 1 to 3.
  let terms: TermTable?
  /// What near-identical pictures are found by. Nil in an index of format 1 to 3.
  let signatures: SealedTable<BigEndianUInt64, SignatureCodec>?
  /// How near each picture is to texts in general; nil in an index of format 1 to 3.
  let hubness: HubnessTable?
  /// The vector index; nil in an index of format 1.
  let vectors: VectorTables?
  /// A random number by which the index's rows are told from those of others; nil in an index of format 1
  /// to 4.
  let mark: UInt32?
  /// Model, sizes and precision: what does not change in the life of an index.
  let layout: IndexMetadata
  /// The folder, for errors.
  let path: String

  /// Makes the tables of a new index, or opens those of an index whose metadata was checked.
  init<T: Transaction & ~Copyable>(
    of path: String, meta: Table<UTF8Text, UTF8Text>, layout: IndexMetadata,
    format: IndexFormat, in transaction: borrowing T, create: Bool
  ) throws(LMDBError) {
    mark = format.mark
    self.path = path
    self.layout = layout
    self.meta = meta
    settingsCopy = try format.mark.map { mark throws(LMDBError) in
      try SealedTable(
        opening: SettingsCopy.name, mark: mark, at: path, in: transaction, create: create)
    }
    recentChanges = try format.mark.map { mark throws(LMDBError) in
      try SealedTable(
        opening: SettingsCopy.name, mark: mark, at: path, in: transaction, create: create)
    }
    pictures = try SealedTable(
      opening: "pictures", mark: mark, at: path, in: transaction, create: create)
    paths = try Table(opening: "paths", in: transaction, create: create)
    hashes = try Table(opening: "hashes", in: transaction, create: create)
    embeddings = try EmbeddingTable(
      opening: "embeddings", of: layout, at: path, format: format, in: transaction,
      create: create)
    features = try Table(opening: "features", in: transaction, create: create)
    texts = try SealedTable(
      opening: "texts", mark: mark, at: path, in: transaction, create: create)
    textEmbeddings = try EmbeddingTable(
      opening: "text_embeddings", of: layout, at: path, format: format, in: transaction,
      create: create)
    pictureTexts = try Table(opening: "picture_texts", in: transaction, create: create)
    failures = try SealedTable(
      opening: "failures", mark: mark, at: path, in: transaction, create: create)
    details = try Self.optional {
      () throws(LMDBError) in
      try SealedTable(
        opening: "details", mark: format.mark, at: path, in: transaction, create: create)
    }
    shownTexts = try Self.optional { () throws(LMDBError) in
      try SealedTable(
        opening: "shown_texts", mark: format.mark, at: path, in: transaction, create: create)
    }
    terms = try Self.optional { () throws(LMDBError) in
      TermTable(
        table: try Table(opening: "terms", in: transaction, create: create), path: path)
    }
    signatures = try Self.optional { () throws(LMDBError) in
      try SealedTable(
        opening: "signatures", mark: format.mark, at: path, in: transaction, create: create)
    }
    hubness = try Self.optional { () throws(LMDBError) in
      try SealedTable(
        opening: "hubness", mark: format.mark, at: path, in: transaction, create: create)
    }
    vectors =
      format.version > 1
      ? try VectorTables(of: layout, at: path, in: transaction, create: create) : nil
  }

  /// Brings tables of any format to the present one: of format 1 rows of many embeddings and their
  /// blocks, tables that came later, which are empty at first, and seals.
  /// - Precondition: `meta` is of the present format.
  init(upgrading old: IndexTables, in transaction: borrowing WriteTransaction) throws {
    let format = try MetadataTable.format(old.meta, of: old.path, in: transaction)
    try self.init(
      of: old.path, meta: old.meta, layout: old.layout, format: format, in: transaction,
      create: true)
    try embeddings.upgrade(from: old.embeddings, in: transaction)
    try textEmbeddings.upgrade(from: old.textEmbeddings, in: transaction)
    try pictures.upgrade(from: old.pictures, in: transaction)
    try texts.upgrade(from: old.texts, in: transaction)
    try failures.upgrade(from: old.failures, in: transaction)
    if let details, let old = old.details { try details.upgrade(from: old, in: transaction) }
    if let shownTexts, let old = old.shownTexts {
      try shownTexts.upgrade(from: old, in: transaction)
    }
    if let signatures, let old = old.signatures {
      try signatures.upgrade(from: old, in: transaction)
    }
    if let hubness, let old = old.hubness { try hubness.upgrade(from: old, in: transaction) }
    try completeWrite(in: transaction)
    if try pictures.statistics(in: transaction).entries == 0, try needsTerms(in: transaction) {
      try rebuildTerms(in: transaction)
    }
    guard old.vectors == nil else { return }
    for space in [VectorSpace.pictures, .texts] { try makeFlat(space, in: transaction) }
  }

  /// A table that older indexes do not have: nil there, unless it is created.
  private static func optional<Opened>(
    _ open: () throws(LMDBError) -> Opened
  ) throws(LMDBError) -> Opened? {
    do throws(LMDBError) { return try open() } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }

  /// How many vectors a space should hold.
  func vectorCount<T: Transaction & ~Copyable>(of space: VectorSpace, in transaction: borrowing T)
    throws
    -> Int
  {
    space == .pictures
      ? try pictures.statistics(in: transaction).entries
      : try texts.statistics(in: transaction).entries
  }

  /// The embeddings that a space holds.
  func embeddings(of space: VectorSpace) -> EmbeddingTable {
    space == .pictures ? embeddings : textEmbeddings
  }

  func sizes<T: Transaction & ~Copyable>(in transaction: borrowing T) throws -> [TableSize] {
    [
      try size(meta, in: transaction), try size(pictures.rows, in: transaction),
      try size(paths, in: transaction), try size(hashes, in: transaction),
      try size(embeddings.table, in: transaction), try size(features, in: transaction),
      try size(texts.rows, in: transaction), try size(textEmbeddings.table, in: transaction),
      try size(pictureTexts, in: transaction), try size(failures.rows, in: transaction),
    ] + (try settingsCopy.map { [try size($0.rows, in: transaction)] } ?? [])
      + (try vectors?.sizes(in: transaction) ?? [])
      + (try details.map { [try size($0.rows, in: transaction)] } ?? [])
      + (try terms.map { [try size($0.table, in: transaction)] } ?? [])
      + (try signatures.map { [try size($0.rows, in: transaction)] } ?? [])
      + (try hubness.map { [try size($0.rows, in: transaction)] } ?? [])
  }

  func pictureID<T: Transaction & ~Copyable>(path: [UInt8], in transaction: borrowing T) throws
    -> UInt64?
  {
    try paths.get(SHA256.digest(of: path), in: transaction)
  }

  func embedding(
    _ space: VectorSpace, _ id: UInt64, in transaction: borrowing ReadTransaction
  ) throws -> [Float]? {
    guard let embedding = try embeddings(of: space).get(id, in: transaction) else { return nil }
    if let fault = fault(of: embedding) {
      throw RetrievalError.damaged(
        path, "\(space == .pictures ? "picture" : "text") \(id) has \(fault)")
    }
    return embedding
  }

  /// For a reader, whose memory does not grow with what it has read.
  func features(picture id: UInt64, in transaction: borrowing ReadTransaction) throws -> Matrix? {
    try features.bytesOnce(id, in: transaction) { bytes in
      do throws(MalformedBytes) {
        return try FeatureCodec.decode(
          bytes, rows: layout.sizes.featureRows, columns: layout.sizes.featureColumns,
          as: layout.features, seed: featureSeed(id))
      } catch {
        throw RetrievalError.damaged(path, "picture \(id) has \(error.reason)")
      }
    }
  }

  /// The seed of the checksum of a picture's features.
  func featureSeed(_ id: UInt64) -> UInt64 { mark.map { id ^ UInt64($0) << 32 } ?? 0 }

  func textIDs<T: Transaction & ~Copyable>(of picture: UInt64?, in transaction: borrowing T) throws
    -> [UInt64]
  {
    var ids: [UInt64] = []
    let picture = picture ?? 0
    try pictureTexts.forEach(
      in: transaction, from: (picture, 0), through: (picture, .max)
    ) { key, _ in ids.append(key.second) }
    return ids
  }

  /// Why numbers are no embedding of this index; nil where they are.
  func fault(of embedding: [Float]) -> String? {
    guard embedding.count == layout.sizes.embedding else {
      return "an embedding of \(embedding.count) numbers where \(layout.sizes.embedding) belong"
    }
    let norm = length(of: embedding)
    // Not a number, where one of the embedding's is not: then nothing holds.
    return abs(norm - 1) <= EmbeddingCodec.normTolerance
      ? nil : "an embedding of length \(norm), not 1"
  }
}

/// The Euclidean length of a vector.
package func length(of numbers: [Float]) -> Double {
  numbers.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
}

/// What a table takes of the file.
func size<K: Codec, V: Codec, T: Transaction & ~Copyable>(
  _ table: Table<K, V>, in transaction: borrowing T
) throws -> TableSize {
  let statistics = try table.statistics(in: transaction)
  return TableSize(name: table.name, entries: statistics.entries, bytes: statistics.bytes)
}
