internal import LMDB
internal import VectorIndex

/// A row of embeddings: which of its ids have one (u64, a bit each), then these one after another, each
/// with a checksum behind it (u32).
struct EmbeddingGroup {
  private static let header = 8
  private static let checksumSize = 4
  private let first: UInt64
  private let present: UInt64
  private let size: Int

  private var stride: Int { size + Self.checksumSize }

  init(_ row: RawSpan, key: UInt64, size count: Int) throws(MalformedBytes) {
    guard row.byteCount >= Self.header else {
      throw MalformedBytes("a row of only \(row.byteCount) bytes")
    }
    present = UInt64(littleEndian: row.unsafeLoadUnaligned(as: UInt64.self))
    size = 4 * count
    let (first, overflow) = key.multipliedReportingOverflow(by: EmbeddingTable.idsPerRow)
    self.first = first
    guard !overflow, first <= .max - EmbeddingTable.idsPerRow else {
      throw MalformedBytes("a row of ids past the last")
    }
    guard present < 1 << EmbeddingTable.idsPerRow, present != 0,
      row.byteCount == Self.header + present.nonzeroBitCount * stride
    else {
      throw MalformedBytes(
        "a row of \(row.byteCount) bytes for \(present.nonzeroBitCount) embeddings of \(size)")
    }
  }

  /// The ids that have an embedding, in ascending order.
  var ids: [UInt64] {
    (0..<EmbeddingTable.idsPerRow).filter { present & 1 << $0 != 0 }.map { first + $0 }
  }

  /// Where the bytes of an id's embedding lie; nil where it has none.
  func range(of id: UInt64) -> Range<Int>? {
    guard id >= first, id - first < EmbeddingTable.idsPerRow else { return nil }
    let bit = UInt64(1) << (id - first)
    guard present & bit != 0 else { return nil }
    let start = Self.header + (present & (bit - 1)).nonzeroBitCount * stride
    return start..<start + size
  }

  /// The checksum that was written for an id that has an embedding.
  func checksum(of id: UInt64, in row: RawSpan) -> UInt32 {
    UInt32(
      littleEndian: row.unsafeLoadUnaligned(
        fromByteOffset: range(of: id)!.upperBound, as: UInt32.self))
  }

  /// Of an embedding, the id that it belongs to, and the mark of its index.
  static func checksum(of id: UInt64, _ embedding: RawSpan, _ mark: UInt32) -> UInt32 {
    let seed = id ^ UInt64(mark) << 32
    return UInt32(
      truncatingIfNeeded: embedding.withUnsafeBytes { VectorIndex.checksum($0, seed: seed) })
  }

  /// The row of embeddings whose ids share one.
  static func encode(_ embeddings: [UInt64: [UInt8]], _ mark: UInt32) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(embeddings.keys.reduce(UInt64(0)) { $0 | 1 << ($1 % EmbeddingTable.idsPerRow) })
    for (id, embedding) in embeddings.sorted(by: { $0.key < $1.key }) {
      writer.bytes += embedding
      writer.write(checksum(of: id, embedding.span.bytes, mark))
    }
    return writer.bytes
  }
}
