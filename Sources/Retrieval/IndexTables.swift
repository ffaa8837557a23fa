internal import Digests
internal import LMDB
internal import Tensors
internal import VectorIndex

/// The tables of an index, what is fixed about their values, and reading from them.
///
/// Reads take the transaction, so that a snapshot and a change read alike.
struct IndexTables: Sendable {
  /// How far from 1 the length of an embedding may be: a model may normalise in half precision.
  static let normTolerance = 1e-3

  let meta: Table<UTF8Text, UTF8Text>
  let pictures: Table<BigEndianUInt64, PictureCodec>
  let paths: Table<HashKey, LittleEndianUInt64>
  let hashes: Table<HashAndIDKey, NoBytes>
  let embeddings: Table<BigEndianUInt64, EmbeddingCodec>
  let features: Table<BigEndianUInt64, RawBytes>
  let texts: Table<BigEndianUInt64, TextCodec>
  let textEmbeddings: Table<BigEndianUInt64, EmbeddingCodec>
  /// Which texts a picture has: key (picture id, text id); picture 0 has those of no picture.
  let pictureTexts: Table<IDPairKey, NoBytes>
  let failures: Table<HashKey, FailureCodec>
  /// Model, sizes and precision: what does not change in the life of an index.
  let layout: IndexMetadata
  /// The folder, for errors.
  let path: String

  /// Makes the tables of a new index, or opens those of an index whose metadata was checked.
  init<T: Transaction & ~Copyable>(
    of path: String, meta: Table<UTF8Text, UTF8Text>, layout: IndexMetadata,
    in transaction: borrowing T, create: Bool
  ) throws(LMDBError) {
    self.path = path
    self.layout = layout
    self.meta = meta
    pictures = try Table(opening: "pictures", in: transaction, create: create)
    paths = try Table(opening: "paths", in: transaction, create: create)
    hashes = try Table(opening: "hashes", in: transaction, create: create)
    embeddings = try Table(opening: "embeddings", in: transaction, create: create)
    features = try Table(opening: "features", in: transaction, create: create)
    texts = try Table(opening: "texts", in: transaction, create: create)
    textEmbeddings = try Table(opening: "text_embeddings", in: transaction, create: create)
    pictureTexts = try Table(opening: "picture_texts", in: transaction, create: create)
    failures = try Table(opening: "failures", in: transaction, create: create)
  }

  func sizes<T: Transaction & ~Copyable>(in transaction: borrowing T) throws -> [TableSize] {
    [
      try size(meta, in: transaction), try size(pictures, in: transaction),
      try size(paths, in: transaction), try size(hashes, in: transaction),
      try size(embeddings, in: transaction), try size(features, in: transaction),
      try size(texts, in: transaction), try size(textEmbeddings, in: transaction),
      try size(pictureTexts, in: transaction), try size(failures, in: transaction),
    ]
  }

  private func size<K: Codec, V: Codec, T: Transaction & ~Copyable>(
    _ table: Table<K, V>, in transaction: borrowing T
  ) throws -> TableSize {
    let statistics = try table.statistics(in: transaction)
    return TableSize(
      name: table.name, entries: statistics.entries, bytes: statistics.bytes)
  }

  func pictureID<T: Transaction & ~Copyable>(path: [UInt8], in transaction: borrowing T) throws
    -> UInt64?
  {
    try paths.get(SHA256.digest(of: path), in: transaction)
  }

  func pictures<T: Transaction & ~Copyable>(
    contentHash: [UInt8], in transaction: borrowing T
  ) throws -> [UInt64] {
    var ids: [UInt64] = []
    try hashes.forEach(
      in: transaction, from: (contentHash, 0), through: (contentHash, .max)
    ) { key, _ in ids.append(key.id) }
    return ids
  }

  func embedding<T: Transaction & ~Copyable>(
    picture id: UInt64, in transaction: borrowing T
  ) throws -> [Float]? {
    guard let embedding = try embeddings.get(id, in: transaction) else { return nil }
    if let fault = fault(of: embedding) {
      throw RetrievalError.damaged(path, "picture \(id) has \(fault)")
    }
    return embedding
  }

  func embedding<T: Transaction & ~Copyable>(
    text id: UInt64, in transaction: borrowing T
  ) throws -> [Float]? {
    guard let embedding = try textEmbeddings.get(id, in: transaction) else { return nil }
    if let fault = fault(of: embedding) {
      throw RetrievalError.damaged(path, "text \(id) has \(fault)")
    }
    return embedding
  }

  func features<T: Transaction & ~Copyable>(
    picture id: UInt64, in transaction: borrowing T
  ) throws -> Matrix? {
    try features.bytes(id, in: transaction) { try decode($0, of: id) }
  }

  /// The same for a reader, whose memory does not grow with what it has read.
  func features(picture id: UInt64, in transaction: borrowing ReadTransaction) throws -> Matrix? {
    try features.bytesOnce(id, in: transaction) { try decode($0, of: id) }
  }

  private func decode(_ features: RawSpan, of id: UInt64) throws(RetrievalError) -> Matrix {
    do throws(MalformedBytes) {
      return try FeatureCodec.decode(
        features, rows: layout.featureRows, columns: layout.featureColumns, as: layout.features)
    } catch {
      throw RetrievalError.damaged(path, "picture \(id) has \(error.reason)")
    }
  }

  func texts<T: Transaction & ~Copyable>(of picture: UInt64?, in transaction: borrowing T) throws
    -> [(id: UInt64, text: String)]
  {
    try textIDs(of: picture, in: transaction).map { id in
      guard let record = try texts.get(id, in: transaction) else {
        throw RetrievalError.damaged(path, "there is no text \(id)")
      }
      return (id, record.text)
    }
  }

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

  /// Exact nearest vectors of a table of embeddings, scanned where they lie in the map.
  func nearest<T: Transaction & ~Copyable>(
    in table: Table<BigEndianUInt64, EmbeddingCodec>, to query: [Float], count: Int,
    where isIncluded: ((UInt64) -> Bool)?, transaction: borrowing T
  ) throws -> [Neighbour] {
    guard query.count == layout.embeddingSize, query.allSatisfy(\.isFinite) else {
      throw RetrievalError(
        "\(path): a query of \(query.count) numbers where \(layout.embeddingSize) finite ones "
          + "belong; embed it with the model the index was made with")
    }
    do {
      var scan = try FlatScan(query: query, count: count, where: isIncluded)
      try table.forEachBytes(in: transaction) { id, vector in try scan.visit(id, vector) }
      return scan.nearest.map { Neighbour(id: $0.id, score: Float($0.score)) }
    } catch let error as VectorError {
      throw RetrievalError.damaged(path, "table \(table.name): \(error)")
    }
  }

  /// Why numbers are no embedding of this index; nil where they are.
  func fault(of embedding: [Float]) -> String? {
    guard embedding.count == layout.embeddingSize else {
      return "an embedding of \(embedding.count) numbers where \(layout.embeddingSize) belong"
    }
    let norm = embedding.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    // Not a number, where one of the embedding's is not: then nothing holds.
    return abs(norm - 1) <= Self.normTolerance ? nil : "an embedding of length \(norm), not 1"
  }
}
