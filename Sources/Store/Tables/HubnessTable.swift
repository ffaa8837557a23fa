internal import LMDB
internal import VectorIndex

/// A picture's hubness as it lies in the table `hubness`, little-endian: a float, and a checksum of it (u32).
enum HubnessCodec: Codec {
  /// Half a cosine.
  static let range: ClosedRange<Float> = -0.51...0.51

  static func encode(_ value: Float) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(value.bitPattern)
    writer.write(checksum(of: value))
    return writer.bytes
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> Float {
    var reader = ByteReader(bytes)
    let value = Float(bitPattern: try reader.read(UInt32.self))
    let sum = try reader.read(UInt32.self)
    try reader.end()
    guard range.contains(value), sum == checksum(of: value) else {
      throw MalformedBytes("a hubness whose checksum is wrong")
    }
    return value
  }

  private static func checksum(of value: Float) -> UInt32 {
    withUnsafeBytes(of: value.bitPattern.littleEndian) {
      UInt32(truncatingIfNeeded: VectorIndex.checksum($0))
    }
  }
}

typealias HubnessTable = SealedTable<BigEndianUInt64, HubnessCodec>

extension MetadataTable {
  private static let bankRow = "text_bank"
  private static let leastRow = "least_hubness"

  /// Of which texts the pictures' hubness is: a digest; nil if they have none.
  static func textBank<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, in transaction: borrowing T
  ) throws -> String? {
    try meta.get(bankRow, in: transaction)
  }

  /// No picture has a smaller hubness; nil if none has one.
  static func leastHubness<T: Transaction & ~Copyable>(
    _ meta: Table<UTF8Text, UTF8Text>, of path: String, in transaction: borrowing T
  ) throws -> Float? {
    guard let stored = try meta.get(leastRow, in: transaction) else { return nil }
    guard let least = Float(stored), HubnessCodec.range.contains(least) else {
      throw RetrievalError.damaged(path, "meta has the least hubness \(stored.debugDescription)")
    }
    return least
  }

  static func setTextBank(
    _ digest: String?, _ meta: Table<UTF8Text, UTF8Text>,
    in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    try meta.delete(leastRow, in: transaction)
    if let digest {
      try meta.put(bankRow, digest, in: transaction)
    } else {
      try meta.delete(bankRow, in: transaction)
    }
  }

  static func setLeastHubness(
    _ least: Float, _ meta: Table<UTF8Text, UTF8Text>,
    in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    try meta.put(leastRow, "\(least)", in: transaction)
  }
}

extension IndexWriter {
  /// The texts that the pictures' hubness is of, by a digest; nil if they have none.
  package func textBank() throws -> String? {
    try MetadataTable.textBank(tables.meta, in: transaction)
  }

  /// Drops every picture's hubness: it will be of other texts, or of none.
  package func replaceTextBank(by digest: String?) throws {
    try tables.hubness?.removeAll(in: transaction)
    try MetadataTable.setTextBank(digest, tables.meta, in: transaction)
  }

  /// Sets the hubness of a picture: half its mean cosine to the nearest texts of the bank; nil drops it.
  package func setHubness(_ hubness: Float?, of picture: UInt64) throws {
    guard let table = tables.hubness else { return }
    guard let hubness else {
      try table.delete(picture, in: transaction)
      return
    }
    precondition(HubnessCodec.range.contains(hubness), "a hubness of \(hubness)")
    try table.put(picture, hubness, in: transaction)
    let least = try MetadataTable.leastHubness(tables.meta, of: tables.path, in: transaction)
    if hubness < least ?? .infinity {
      try MetadataTable.setLeastHubness(hubness, tables.meta, in: transaction)
    }
  }
}
