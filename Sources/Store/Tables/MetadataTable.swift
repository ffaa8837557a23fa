internal import BLIP
internal import LMDB

/// The rows of `meta`: name → UTF-8 text, numbers in decimal, so that `mdb_dump` shows them.
enum MetadataTable {
  /// Raised whenever what an older or newer program would read wrongly changes.
  ///
  /// An index of format 1 has a row for each embedding and no vector index, one of format 2 patch
  /// features without a checksum, one of format 3 no details, signatures, terms and hubness, one of format 4
  /// records without seals: they are read, and brought to the present format when they are opened for writing.
  static let formatVersion = 5

  static let name = "meta"

  /// Names of rows.
  private enum Row {
    static let format = "format_version"
    static let name = "name"
    static let modelName = "model_name"
    static let modelPath = "model_path"
    static let modelFingerprint = "model_fingerprint"
    static let precision = "precision"
    static let imageSize = "image_size"
    static let embeddingSize = "embedding_size"
    static let featureRows = "feature_rows"
    static let featureColumns = "feature_columns"
    static let features = "features"
    static let collection = "collection"
    static let exclude = "exclude"
    static let followsLinks = "follow_links"
    static let recall = "recall"
    static let termsVersion = "terms_version"
    static let mark = "mark"
  }

  /// The names of the rows by which the settings of an index are found in a damaged file.
  static let formatName = Row.format
  static let markName = Row.mark

  /// Which ids are counted up.
  enum Counter: String {
    case picture = "next_picture_id"
    case text = "next_text_id"
  }

  /// The format of an index at `path`, which this program can read.
  static func format<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, of path: String, in transaction: borrowing T
  ) throws -> IndexFormat {
    let format = try number(Row.format, meta, path, in: transaction)
    guard (1...formatVersion).contains(format) else {
      throw RetrievalError(
        .unknownFormat,
        "\(path): an index of format \(format), and this program reads formats up to "
          + "\(formatVersion); "
          + (format > formatVersion
            ? "use a newer blip, or delete the folder and index again"
            : "delete the folder and index again"))
    }
    guard format > 4 else { return IndexFormat(version: format, mark: nil) }
    guard let mark = UInt32(try text(Row.mark, meta, path, in: transaction)) else {
      throw RetrievalError.damaged(path, "meta has an invalid mark")
    }
    return IndexFormat(version: format, mark: mark)
  }

  /// Says that the index is of the present format now; writes nothing where it is already.
  static func upgrade(
    _ meta: Table<UTF8Text, UTF8Text>, in transaction: borrowing WriteTransaction
  ) throws {
    guard try meta.get(Row.format, in: transaction) != String(formatVersion) else { return }
    try meta.put(Row.format, String(formatVersion), in: transaction)
    try meta.put(Row.mark, newMark(), in: transaction)
  }

  /// What `meta` holds, of an index at `path`; its format version is checked first.
  static func read<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, of path: String, in transaction: borrowing T
  ) throws -> IndexMetadata {
    _ = try format(meta, of: path, in: transaction)
    let stored = try text(Row.features, meta, path, in: transaction)
    guard let features = FeaturePrecision(rawValue: stored) else {
      throw RetrievalError.damaged(path, "meta has the features \(stored.debugDescription)")
    }
    var metadata = IndexMetadata(
      name: try text(Row.name, meta, path, in: transaction),
      collection: try text(Row.collection, meta, path, in: transaction),
      settings: try settings(meta, in: transaction),
      model: IndexedModel(
        name: try text(Row.modelName, meta, path, in: transaction),
        path: try text(Row.modelPath, meta, path, in: transaction),
        fingerprint: try text(Row.modelFingerprint, meta, path, in: transaction)),
      sizes: IndexedSizes(
        image: try number(Row.imageSize, meta, path, in: transaction),
        embedding: try number(Row.embeddingSize, meta, path, in: transaction),
        featureRows: try number(Row.featureRows, meta, path, in: transaction),
        featureColumns: try number(Row.featureColumns, meta, path, in: transaction)),
      precision: try precision(meta, path, in: transaction), features: features)
    metadata.roots = try roots(meta, of: path, in: transaction)
    if let fault = metadata.sizes.fault {
      throw RetrievalError.damaged(path, "meta has the \(fault)")
    }
    return metadata
  }

  /// A mark for a new index, by which its rows are told from those of others.
  private static func newMark() -> String { String(UInt32.random(in: 1...UInt32.max)) }

  /// Writes all rows, with the format version and ids that start from 1.
  static func create(
    _ meta: Table<UTF8Text, UTF8Text>, _ metadata: IndexMetadata,
    in transaction: borrowing WriteTransaction
  ) throws {
    for (row, value) in [
      (Row.format, String(formatVersion)),
      (Row.mark, newMark()),
      (Row.modelName, metadata.model.name),
      (Row.modelFingerprint, metadata.model.fingerprint),
      (Row.precision, metadata.precision.rawValue),
      (Row.imageSize, String(metadata.sizes.image)),
      (Row.embeddingSize, String(metadata.sizes.embedding)),
      (Row.featureRows, String(metadata.sizes.featureRows)),
      (Row.featureColumns, String(metadata.sizes.featureColumns)),
      (Row.features, metadata.features.rawValue),
      (Counter.picture.rawValue, "1"),
      (Counter.text.rawValue, "1"),
    ] {
      try meta.put(row, value, in: transaction)
    }
    try update(meta, metadata, in: transaction)
  }

  /// Writes what may change between runs: name, roots, settings and the model's path.
  static func update(
    _ meta: Table<UTF8Text, UTF8Text>, _ metadata: IndexMetadata,
    in transaction: borrowing WriteTransaction
  ) throws {
    try meta.put(Row.name, metadata.name, in: transaction)
    try put(metadata.roots, meta, in: transaction)
    try meta.put(Row.modelPath, metadata.model.path, in: transaction)
    let settings = metadata.settings
    for (row, value) in [
      (Row.exclude, settings.exclude.joined(separator: "\n")),
      (Row.followsLinks, settings.followsLinks ? "1" : ""),
    ] {
      // What is as usual has no row.
      if value.isEmpty {
        try meta.delete(row, in: transaction)
      } else {
        try meta.put(row, value, in: transaction)
      }
    }
  }

  /// Root 0 has the row `collection`, which is empty if it was removed; root n has `collection_n`.
  private static func roots<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, of path: String, in transaction: borrowing T
  ) throws -> CollectionRoots {
    var roots: [CollectionRoot] = []
    let first = try text(Row.collection, meta, path, in: transaction)
    if !first.isEmpty { roots.append(CollectionRoot(number: 0, path: first)) }
    let prefix = Row.collection + "_"
    try meta.forEach(in: transaction, from: prefix, through: prefix + ":") { row, value in
      guard let number = Int(row.dropFirst(prefix.count)), number > 0, !value.isEmpty else {
        throw RetrievalError.damaged(path, "meta has the row \(row.debugDescription)")
      }
      roots.append(CollectionRoot(number: number, path: value))
    }
    return CollectionRoots(roots)
  }

  private static func put(
    _ roots: CollectionRoots, _ meta: Table<UTF8Text, UTF8Text>,
    in transaction: borrowing WriteTransaction
  ) throws {
    let prefix = Row.collection + "_"
    var old: [String] = []
    try meta.forEachBytes(in: transaction, from: prefix, through: prefix + ":") { row, _ in
      old.append(row)
    }
    for row in old { try meta.delete(row, in: transaction) }
    try meta.put(Row.collection, roots[0]?.path ?? "", in: transaction)
    for root in roots.all where root.number > 0 {
      try meta.put(prefix + String(root.number), root.path, in: transaction)
    }
  }

  private static func settings<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, in transaction: borrowing T
  ) throws -> CollectionSettings {
    CollectionSettings(
      exclude: try meta.get(Row.exclude, in: transaction)?.split(separator: "\n").map(String.init)
        ?? [],
      followsLinks: try meta.get(Row.followsLinks, in: transaction) != nil)
  }

  /// The recall that lists of vectors are to have; nil if none was requested.
  static func recall<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, of path: String, in transaction: borrowing T
  ) throws -> Double? {
    guard let stored = try meta.get(Row.recall, in: transaction) else { return nil }
    guard let recall = Double(stored), (0...1).contains(recall) else {
      throw RetrievalError.damaged(path, "meta has the recall \(stored.debugDescription)")
    }
    return recall
  }

  /// Writes the recall that lists of vectors are to have.
  static func setRecall(
    _ recall: Double, _ meta: Table<UTF8Text, UTF8Text>,
    in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    try meta.put(Row.recall, "\(recall)", in: transaction)
  }

  /// Drops the recall that was asked for, so that the usual one holds.
  static func removeRecall(
    _ meta: Table<UTF8Text, UTF8Text>, in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    try meta.delete(Row.recall, in: transaction)
  }

  /// By which analysis of texts the terms were made; nil where there are none.
  static func termsVersion<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, in transaction: borrowing T
  ) throws -> String? {
    try meta.get(Row.termsVersion, in: transaction)
  }

  /// Writes by which analysis of texts the terms were made.
  static func setTermsVersion(
    _ version: String, _ meta: Table<UTF8Text, UTF8Text>,
    in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    try meta.put(Row.termsVersion, version, in: transaction)
  }

  /// The id that will be next; nil where that is not told.
  static func counter<T: Transaction & ~Copyable>(
    _ counter: Counter, _ meta: Table<UTF8Text, UTF8Text>, in transaction: borrowing T
  ) throws -> UInt64? {
    try meta.raw.get(Array(counter.rawValue.utf8), in: transaction)
      .flatMap { UInt64(String(decoding: $0, as: UTF8.self)) }
  }

  /// Says which id will be next.
  static func setCounter(
    _ counter: Counter, to id: UInt64, _ meta: Table<UTF8Text, UTF8Text>,
    in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    try meta.put(counter.rawValue, String(id), in: transaction)
  }

  /// The next id, which no other thing has or had.
  static func nextID(
    _ counter: Counter, _ meta: Table<UTF8Text, UTF8Text>, of path: String,
    in transaction: borrowing WriteTransaction
  ) throws -> UInt64 {
    let value = try text(counter.rawValue, meta, path, in: transaction)
    guard let id = UInt64(value), id > 0, id < .max else {
      throw RetrievalError.damaged(path, "meta has the \(counter.rawValue) \(value)")
    }
    try meta.put(counter.rawValue, String(id + 1), in: transaction)
    return id
  }

  /// An index made before there was a choice has no such row: its embeddings are fp32.
  private static func precision<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, _ path: String, in transaction: borrowing T
  ) throws -> Precision {
    guard let stored = try meta.get(Row.precision, in: transaction) else { return .fp32 }
    guard let precision = Precision(rawValue: stored), precision != .auto else {
      throw RetrievalError.damaged(path, "meta has the precision \(stored.debugDescription)")
    }
    return precision
  }

  private static func text<T: Transaction & ~Copyable>(
    _ row: String, _ meta: Table<UTF8Text, UTF8Text>, _ path: String, in transaction: borrowing T
  ) throws -> String {
    guard let value = try meta.get(row, in: transaction) else {
      throw RetrievalError.damaged(path, "meta has no \(row)")
    }
    return value
  }

  private static func number<T: Transaction & ~Copyable>(
    _ row: String, _ meta: Table<UTF8Text, UTF8Text>, _ path: String, in transaction: borrowing T
  ) throws -> Int {
    let value = try text(row, meta, path, in: transaction)
    guard let number = Int(value) else {
      throw RetrievalError.damaged(path, "meta has the \(row) \(value.debugDescription)")
    }
    return number
  }
}
