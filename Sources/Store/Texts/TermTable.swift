internal import LMDB
internal import TextIndex
internal import VectorIndex

/// The table `terms`: the blocks of postings of every term, and the statistics.
struct TermTable: Sendable {
  /// Key: the term, 0, the number of bytes of the block's number, and that number, big-endian; or 0 alone
  /// for the statistics. Value: a checksum u32 of what follows (the lower half), then the block or the
  /// statistics.
  let table: Table<RawBytes, RawBytes>
  /// The folder of the index, for errors.
  let path: String

  static let statisticsKey: [UInt8] = [0]

  /// The key of a block.
  static func key(of term: String, _ number: UInt64) -> [UInt8] {
    let bytes = BigEndianUInt64.encode(number).drop { $0 == 0 }
    return Array(term.utf8) + [0, UInt8(bytes.count)] + bytes
  }

  /// The term and the number of the block of a key; nil where it is none.
  static func parse(_ key: [UInt8]) -> (term: String, number: UInt64)? {
    guard let zero = key.firstIndex(of: 0), zero > 0, key.count >= zero + 2 else { return nil }
    let digits = Array(key[(zero + 2)...])
    guard digits.count == Int(key[zero + 1]), digits.count <= 8 else { return nil }
    if let first = digits.first, first == 0 { return nil }
    guard let term = String(validating: key[..<zero], as: UTF8.self) else { return nil }
    return (term, digits.reduce(0) { $0 << 8 | UInt64($1) })
  }

  /// Whether terms were ever made: not yet of an older index that was upgraded.
  func isBuilt<T: Transaction & ~Copyable>(in transaction: borrowing T) throws -> Bool {
    try table.contains(Self.statisticsKey, in: transaction)
  }

  func statistics<T: Transaction & ~Copyable>(in transaction: borrowing T) throws -> TextStatistics
  {
    guard let stored = try table.get(Self.statisticsKey, in: transaction) else {
      return TextStatistics()
    }
    return try reading { try Self.statistics(stored) }
  }

  static func statistics(_ stored: [UInt8]) throws(MalformedBytes) -> TextStatistics {
    let bytes = try unsealed(stored.span.bytes)
    var reader = ByteReader(bytes.span.bytes)
    var statistics = TextStatistics()
    statistics.documents = try count(&reader)
    guard try reader.read(UInt8.self) == statistics.fields.count else {
      throw MalformedBytes("statistics of other fields")
    }
    for index in statistics.fields.indices {
      statistics.fields[index].documents = try count(&reader)
      statistics.fields[index].terms = try count(&reader)
    }
    try reader.end()
    return statistics
  }

  private static func count(_ reader: inout ByteReader) throws(MalformedBytes) -> Int {
    let count = try reader.read(UInt64.self)
    guard count < 1 << 48 else { throw MalformedBytes("statistics of \(count)") }
    return Int(count)
  }

  func put<T: WritingTransaction & ~Copyable>(
    _ statistics: TextStatistics, in transaction: borrowing T
  ) throws {
    var writer = ByteWriter()
    writer.write(UInt64(statistics.documents))
    writer.write(UInt8(statistics.fields.count))
    for field in statistics.fields {
      writer.write(UInt64(field.documents))
      writer.write(UInt64(field.terms))
    }
    try table.put(Self.statisticsKey, Self.sealed(writer.bytes), in: transaction)
  }

  func blocks<T: Transaction & ~Copyable>(of term: String, in transaction: borrowing T) throws
    -> [(number: UInt64, bytes: [UInt8])]
  {
    var blocks: [(number: UInt64, bytes: [UInt8])] = []
    let prefix = Array(term.utf8) + [0]
    guard prefix.count > 1 else { return [] }
    try table.forEachBytes(in: transaction, from: prefix, through: prefix + [0xFF]) { key, value in
      guard let parsed = Self.parse(key) else { throw damaged("a key that is none") }
      let block = try reading { try Self.unsealed(value) }
      blocks.append((number: parsed.number, bytes: block))
    }
    return blocks
  }

  /// The bytes with their checksum before them.
  static func sealed(_ bytes: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(UInt32(truncatingIfNeeded: bytes.withUnsafeBytes { checksum($0) }))
    return writer.bytes + bytes
  }

  /// The bytes after their checksum, which must be right.
  static func unsealed(_ bytes: RawSpan) throws(MalformedBytes) -> [UInt8] {
    guard bytes.byteCount >= 4 else {
      throw MalformedBytes("a record of only \(bytes.byteCount) bytes")
    }
    let stored = UInt32(littleEndian: bytes.unsafeLoadUnaligned(as: UInt32.self))
    let rest = bytes.extracting(droppingFirst: 4).withUnsafeBytes { Array($0) }
    guard UInt32(truncatingIfNeeded: rest.withUnsafeBytes { checksum($0) }) == stored else {
      throw MalformedBytes("a row whose checksum is wrong")
    }
    return rest
  }

  /// What a row is refused for is damage of the index.
  func reading<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as TextIndexError {
      throw damaged(error.description)
    } catch let error as MalformedBytes {
      throw damaged(error.reason)
    }
  }

  private func damaged(_ reason: String) -> RetrievalError {
    RetrievalError.damaged(path, "the table terms has \(reason)")
  }
}

/// The terms as a transaction sees them.
struct TermReader: TextStorage {
  let terms: TermTable
  private let transaction: TransactionReference

  /// - Precondition: the value is not used after the end of the transaction.
  init<T: Transaction & ~Copyable>(_ terms: TermTable, in transaction: borrowing T) {
    self.terms = terms
    self.transaction = TransactionReference(transaction)
  }

  func statistics() throws -> TextStatistics { try terms.statistics(in: transaction) }

  func blocks(of term: String) throws -> [(number: UInt64, bytes: [UInt8])] {
    try terms.blocks(of: term, in: transaction)
  }
}

/// The terms in a write transaction.
struct TermWriter: WritableTextStorage {
  private let terms: TermTable
  private let transaction: WritingTransactionReference

  /// - Precondition: the value is not used after the end of the transaction.
  init(_ terms: TermTable, in transaction: borrowing WriteTransaction) {
    self.terms = terms
    self.transaction = WritingTransactionReference(transaction)
  }

  func statistics() throws -> TextStatistics { try terms.statistics(in: transaction) }

  func blocks(of term: String) throws -> [(number: UInt64, bytes: [UInt8])] {
    try terms.blocks(of: term, in: transaction)
  }

  func block(_ number: UInt64, of term: String) throws -> [UInt8]? {
    guard let stored = try terms.table.get(TermTable.key(of: term, number), in: transaction) else {
      return nil
    }
    return try terms.reading { try TermTable.unsealed(stored.span.bytes) }
  }

  func put(_ block: [UInt8]?, number: UInt64, of term: String) throws {
    let key = TermTable.key(of: term, number)
    if let block {
      try terms.table.put(key, TermTable.sealed(block), in: transaction)
    } else {
      try terms.table.delete(key, in: transaction)
    }
  }

  func put(_ statistics: TextStatistics) throws { try terms.put(statistics, in: transaction) }
}
