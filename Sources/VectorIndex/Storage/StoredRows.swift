/// Memory that stays where it is for as long as this lives.
final class StoredBytes: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  /// So many bytes, at the beginning of a line of the processor's cache.
  init(count: Int) {
    bytes = .allocate(byteCount: count, alignment: 64)
  }

  convenience init(_ values: [UInt8]) {
    self.init(count: values.count)
    bytes.copyBytes(from: values)
  }

  var block: StoredBlock { StoredBlock(unsafeBytes: UnsafeRawBufferPointer(bytes)) }

  deinit { bytes.deallocate() }
}

/// Vectors of one dimension by id, each where it stays until it is removed.
struct StoredRows {
  private static let rowsOfPiece = 1024

  private let stride: Int
  private var pieces: [StoredBytes] = []
  private var rows: [UInt64: Int] = [:]
  private var freeRows: [Int] = []

  init(dimension: Int) { stride = dimension * MemoryLayout<Float>.stride }

  var count: Int { rows.count }

  var ids: [UInt64] { rows.keys.sorted() }

  /// Where a vector lies; nil where there is none.
  subscript(id: UInt64) -> UnsafeRawBufferPointer? {
    rows[id].map { UnsafeRawBufferPointer(bytes(ofRow: $0)) }
  }

  /// Stores a vector, in place of the one that the id had.
  mutating func put(_ id: UInt64, _ numbers: some Collection<Float>) {
    precondition(numbers.count * MemoryLayout<Float>.stride == stride)
    let row = rows[id] ?? freeRows.popLast() ?? rows.count
    if row / Self.rowsOfPiece == pieces.count {
      pieces.append(StoredBytes(count: Self.rowsOfPiece * stride))
    }
    rows[id] = row
    for (index, number) in numbers.enumerated() {
      bytes(ofRow: row).storeBytes(
        of: number.bitPattern.littleEndian, toByteOffset: 4 * index, as: UInt32.self)
    }
  }

  /// Drops a vector, if there is one.
  mutating func remove(_ id: UInt64) {
    if let row = rows.removeValue(forKey: id) { freeRows.append(row) }
  }

  private func bytes(ofRow row: Int) -> UnsafeMutableRawBufferPointer {
    let (piece, rest) = row.quotientAndRemainder(dividingBy: Self.rowsOfPiece)
    return UnsafeMutableRawBufferPointer(
      rebasing: pieces[piece].bytes[rest * stride..<(rest + 1) * stride])
  }
}
