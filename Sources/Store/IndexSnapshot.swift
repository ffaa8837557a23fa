internal import Files
package import Images
internal import LMDB
package import Tensors
package import TextIndex
package import VectorIndex

/// A consistent view of an index for as long as the closure runs.
package struct IndexSnapshot: IndexLookups, ~Copyable {
  let transaction: ReadTransaction
  let tables: IndexTables

  /// The tables, in this snapshot.
  package var reader: TableReader { TableReader(tables, in: transaction) }

  /// What the index said of itself when it was opened, or last changed by this process.
  package let metadata: IndexMetadata

  /// How many pictures the index holds.
  package func pictureCount() throws -> Int {
    try tables.pictures.statistics(in: transaction).entries
  }

  /// How many texts the index holds.
  package func textCount() throws -> Int {
    try tables.texts.statistics(in: transaction).entries
  }

  /// How many of the texts a model made.
  package func syntheticTextCount() throws -> Int {
    var count = 0
    try tables.texts.forEachBytes(in: transaction) { _, record in
      if TextCodec.isSynthetic(record) { count += 1 }
    }
    return count
  }

  /// How many files could not be indexed.
  package func failureCount() throws -> Int {
    try tables.failures.statistics(in: transaction).entries
  }

  /// Rows and bytes of every table.
  package func tableSizes() throws -> [TableSize] {
    try tables.sizes(in: transaction)
  }

  /// All pictures by id.
  package func forEachPicture(_ body: (UInt64, PictureRecord) throws -> Void) throws {
    try tables.pictures.forEach(in: transaction, body)
  }

  /// The pictures below a folder of a root: its path relative to that, without a slash at its end; empty for
  /// the root itself.
  package func pictures(under folder: [UInt8], root: Int = 0) throws -> Set<UInt64> {
    let prefix = CollectionRoots.storedPath(folder.isEmpty ? [] : folder + [.slash], root: root)
    var ids: Set<UInt64> = []
    try tables.pictures.forEachBytes(in: transaction) { id, record in
      do throws(MalformedBytes) {
        guard try PictureCodec.path(of: record, startsWith: prefix) else { return }
        // Every path begins with nothing; those of other roots begin with a slash.
        if prefix.isEmpty, try PictureCodec.path(of: record, startsWith: [.slash]) { return }
        ids.insert(id)
      } catch {
        throw RetrievalError.damaged(tables.path, "picture \(id) has \(error.reason)")
      }
    }
    return ids
  }

  /// A picture's ITC embedding; nil where there is no such picture.
  package func embedding(picture id: UInt64) throws -> [Float]? {
    try tables.embedding(.pictures, id, in: transaction)
  }

  /// Whether it was read what a picture's file says of itself.
  package func hasDetails(picture id: UInt64) throws -> Bool {
    try tables.details?.contains(id, in: transaction) ?? false
  }

  /// Of how many pictures it was read what their files say.
  package func detailsCount() throws -> Int {
    try tables.details?.statistics(in: transaction).entries ?? 0
  }

  /// Patch features, decoded to floats; nil where they are not stored.
  package func features(picture id: UInt64) throws -> Matrix? {
    try tables.features(picture: id, in: transaction)
  }

  /// What near-identical pictures are found by; nil where the picture has none yet.
  package func signature(picture id: UInt64) throws -> PictureSignature? {
    try tables.signatures?.get(id, in: transaction)
  }

  /// Whether the picture has a signature.
  package func hasSignature(picture id: UInt64) throws -> Bool {
    try tables.signatures?.contains(id, in: transaction) ?? false
  }

  /// How many pictures have a signature.
  package func signatureCount() throws -> Int {
    try tables.signatures?.statistics(in: transaction).entries ?? 0
  }

  /// A text's ITC embedding; nil where there is no such text.
  package func embedding(text id: UInt64) throws -> [Float]? {
    try tables.embedding(.texts, id, in: transaction)
  }

  /// All texts by id.
  package func forEachText(_ body: (UInt64, TextRecord) throws -> Void) throws {
    try tables.texts.forEach(in: transaction, body)
  }

  /// The pictures that have terms of a query, the best `count` first, and the scores of `ids` among them
  /// (`TextStorage.search`); nil in an index without terms.
  package func textMatches(
    _ words: [String], count: Int, scoring ids: Set<UInt64> = [], among: Set<UInt64>? = nil
  ) throws -> TextMatches? {
    guard
      let terms = try tables.terms.flatMap({
        try $0.isBuilt(in: transaction) ? TermReader($0, in: transaction) : nil
      })
    else { return nil }
    return try terms.terms.reading {
      try terms.search(words, count: count, scoring: ids, among: among)
    }
  }

  /// All failures, in no order that means anything.
  package func forEachFailure(_ body: (FailureRecord) throws -> Void) throws {
    try tables.failures.forEach(in: transaction) { _, failure in try body(failure) }
  }

  /// The nearest pictures by cosine (dot product of normalised embeddings), best first, ties by id.
  ///
  /// All there are, or those of `ids`: as many are returned as there are, up to `count`. Exact where
  /// that is asked for, where the index is flat, and where the ids are few; otherwise `nprobe` lists are
  /// probed, by default as many as the index was measured to need for its recall.
  package func nearestPictures(
    to query: [Float], count: Int, among ids: Set<UInt64>? = nil, isExact: Bool = false,
    nprobe: Int? = nil
  ) throws -> [Neighbor] {
    try nearestPictures(
      to: [query],
      VectorSearchOptions(
        count: count, isExact: isExact, probes: nprobe.map { .best($0) }, among: ids))[0]
  }

  /// The nearest texts, as `nearestPictures`.
  package func nearestTexts(
    to query: [Float], count: Int, among ids: Set<UInt64>? = nil, isExact: Bool = false,
    nprobe: Int? = nil
  ) throws -> [Neighbor] {
    try nearestTexts(
      to: [query],
      VectorSearchOptions(
        count: count, isExact: isExact, probes: nprobe.map { .best($0) }, among: ids))[0]
  }

  /// The nearest pictures to each of many queries, which share what is read.
  package func nearestPictures(to queries: [[Float]], _ options: VectorSearchOptions) throws
    -> [[Neighbor]]
  {
    try tables.nearest(.pictures, to: queries, options, in: transaction)
  }

  /// The nearest texts to each of many queries, which share what is read.
  package func nearestTexts(to queries: [[Float]], _ options: VectorSearchOptions) throws
    -> [[Neighbor]]
  {
    try tables.nearest(.texts, to: queries, options, in: transaction)
  }
}
