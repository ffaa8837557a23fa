internal import LMDB

/// A copy of all rows of `meta`, sealed, in a table of its own: it tells whether the settings are as they were
/// written, and is another place to find them in if their page is damaged.
enum SettingsCopy: Codec {
  typealias Rows = [[UInt8]: [UInt8]]
  typealias Copies = SealedTable<UTF8Text, SettingsCopy>

  static let name = "meta_copy"
  /// The only key of the table.
  static let key = "rows"

  /// For each row in the order of names: length u32, name, length u32, value.
  static func encode(_ rows: Rows) -> [UInt8] {
    var writer = ByteWriter()
    for (name, value) in rows.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      writer.writeCounted(name)
      writer.writeCounted(value)
    }
    return writer.bytes
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> Rows {
    var reader = ByteReader(bytes)
    var rows: Rows = [:]
    while !reader.isAtEnd {
      let name = try reader.readCounted()
      rows[name] = try reader.readCounted()
    }
    return rows
  }

  /// Brings the copy up to date; false, and nothing is written, if it is.
  @discardableResult
  static func write<T: WritingTransaction & ~Copyable>(
    of meta: Table<UTF8Text, UTF8Text>, to copies: Copies, in transaction: borrowing T
  ) throws -> Bool {
    let rows = try rows(of: meta, in: transaction)
    guard try copies.sound(key, in: transaction) != rows else { return false }
    try copies.put(key, rows, in: transaction)
    return true
  }

  /// Throws unless the settings are as they were written.
  static func verify<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, _ copies: Copies, of path: String,
    in transaction: borrowing T
  ) throws {
    guard try copies.get(key, in: transaction) == rows(of: meta, in: transaction) else {
      throw RetrievalError.damaged(path, "the settings in meta are not as they were written")
    }
  }

  /// The rows of a copy in a damaged file, which is sound by the mark that it says itself.
  static func rows(ofStray row: [UInt8]) -> Rows? {
    stray(SettingsCopy.self, key, row)?.value
  }

  /// The recent changes that a damaged file has somewhere, with their mark.
  static func changes(ofStray row: [UInt8]) -> (value: RecentChanges, mark: UInt32)? {
    stray(RecentChanges.self, RecentChanges.key, row)
  }

  private static func stray<C: Codec>(
    _ codec: C.Type, _ key: String, _ row: [UInt8]
  ) -> (value: C.Value, mark: UInt32)? {
    guard let mark = RecordSeal.mark(of: row.span.bytes) else { return nil }
    do throws(MalformedBytes) {
      try RecordSeal(mark: mark, table: name).verify(row.span.bytes, key: Array(key.utf8))
      return (try C.decode(row.span.bytes.extracting(droppingLast: RecordSeal.size)), mark)
    } catch { return nil }
  }

  private static func rows<T: Transaction & ~Copyable>(
    of meta: Table<UTF8Text, UTF8Text>, in transaction: borrowing T
  ) throws -> Rows {
    var rows: Rows = [:]
    try meta.raw.forEach(in: transaction) { rows[$0] = $1 }
    return rows
  }
}
