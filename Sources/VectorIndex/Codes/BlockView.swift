internal import CKernels

/// A block's bytes with every length checked: where its arrays lie.
///
/// | bytes | what |
/// |---|---|
/// | 4 × 4 | "BLK1", dimension, count n, 0 |
/// | 4, 4 | greatest norm of what a code stands for, norm of the centroid (Float32, rounded up) |
/// | 8 | checksum of all the rest |
/// | n × 8 | ids |
/// | n′ × 4 | steps (Float32); n′ is n rounded up to a multiple of 8 |
/// | n′ × 2, n′ × 2 | errors of the upper bits, of the whole codes |
/// | n′ × depth / 2 | upper plane, in groups of 8 vectors |
/// | n × depth / 2 | lower plane |
///
/// All little-endian.
struct BlockLayout {
  static let magic: UInt32 = 0x314b_4c42
  static let header = 32
  /// Where the checksum is.
  static let checksum = 24
  static let greatestDimension = 1 << 16

  let dimension: Int
  let count: Int

  var depth: Int { Code.depth(dimension) }
  var padded: Int { (count + 7) / 8 * 8 }
  var ids: Int { Self.header }
  var steps: Int { ids + 8 * count }
  var coarseErrors: Int { steps + 4 * padded }
  var fineErrors: Int { coarseErrors + 2 * padded }
  var upper: Int { fineErrors + 2 * padded }
  var lower: Int { upper + padded * depth / 2 }
  var size: Int { lower + count * depth / 2 }

  /// Where the next 4 bytes of a vector's upper bits are.
  func upper(_ index: Int, chunk: Int) -> Int {
    upper + index / 8 * 4 * depth + 32 * chunk + index % 8 * 4
  }
}

/// The one place that reads a block's memory; good for as long as the memory is.
struct BlockView {
  private let bytes: UnsafeRawBufferPointer
  private let layout: BlockLayout
  /// At least the length of what any of its codes stands for.
  let norm: Double
  /// At least the length of the centroid.
  let centroidNorm: Double

  var count: Int { layout.count }
  var dimension: Int { layout.dimension }

  init(_ bytes: UnsafeRawBufferPointer) throws(VectorError) {
    guard bytes.count >= BlockLayout.header else {
      throw VectorError(description: "a block of \(bytes.count) bytes")
    }
    func word(_ index: Int) -> UInt32 {
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
    }
    guard word(0) == BlockLayout.magic, word(3) == 0 else {
      throw VectorError(description: "a block that does not begin as one")
    }
    let (dimension, count) = (Int(word(1)), Int(word(2)))
    guard 1...BlockLayout.greatestDimension ~= dimension, count <= VectorBlock.greatestCount else {
      throw VectorError(description: "a block of \(count) vectors of \(dimension) numbers")
    }
    layout = BlockLayout(dimension: dimension, count: count)
    guard bytes.count == layout.size else {
      throw VectorError(
        description: "a block of \(bytes.count) bytes where \(layout.size) belong")
    }
    norm = Double(Float(bitPattern: word(4)))
    centroidNorm = Double(Float(bitPattern: word(5)))
    guard norm >= 0, norm <= Code.longest * 2, centroidNorm >= 0, centroidNorm <= Code.longest * 2
    else {
      throw VectorError(description: "a block whose norms are \(norm) and \(centroidNorm)")
    }
    self.bytes = bytes
  }

  private var base: UnsafeRawPointer { bytes.baseAddress! }

  func id(_ index: Int) -> UInt64 {
    precondition(index >= 0 && index < count)
    return UInt64(
      littleEndian: base.loadUnaligned(fromByteOffset: layout.ids + 8 * index, as: UInt64.self))
  }

  func step(_ index: Int) -> Float {
    precondition(index >= 0 && index < count)
    return Float(
      bitPattern: UInt32(
        littleEndian: base.loadUnaligned(
          fromByteOffset: layout.steps + 4 * index, as: UInt32.self)))
  }

  func coarseError(_ index: Int) -> UpperHalf { half(layout.coarseErrors, index) }

  func fineError(_ index: Int) -> UpperHalf { half(layout.fineErrors, index) }

  private func half(_ array: Int, _ index: Int) -> UpperHalf {
    precondition(index >= 0 && index < count)
    return UpperHalf(
      bits: UInt16(
        littleEndian: base.loadUnaligned(fromByteOffset: array + 2 * index, as: UInt16.self)))
  }

  /// Upper and lower bits of all vectors, `depth` / 2 bytes each, one vector behind the other.
  func copyCodes(upper: inout [UInt8], lower: inout [UInt8]) {
    let half = layout.depth / 2
    lower = Array(bytes[layout.lower..<layout.size])
    upper = [UInt8](unsafeUninitializedCapacity: count * half) { upper, initialized in
      let upper = UnsafeMutableRawBufferPointer(upper)
      for index in 0..<count {
        for chunk in 0..<half / 4 {
          upper.storeBytes(
            of: base.loadUnaligned(
              fromByteOffset: layout.upper(index, chunk: chunk), as: UInt32.self),
            toByteOffset: index * half + 4 * chunk, as: UInt32.self)
        }
      }
      initialized = count * half
    }
  }

  /// Whether the bytes are those that were written.
  func verify() throws(VectorError) {
    guard checksum == Self.checksum(of: bytes) else {
      throw VectorError(description: "a block whose checksum is wrong")
    }
  }

  /// What the checksum of the block is said to be.
  var checksum: UInt64 {
    UInt64(littleEndian: base.loadUnaligned(fromByteOffset: BlockLayout.checksum, as: UInt64.self))
  }

  /// Of all but itself.
  static func checksum(of block: UnsafeRawBufferPointer) -> UInt64 {
    let (before, after) = (block[..<BlockLayout.checksum], block[BlockLayout.header...])
    return VectorIndex.checksum(
      UnsafeRawBufferPointer(rebasing: after),
      seed: VectorIndex.checksum(UnsafeRawBufferPointer(rebasing: before)))
  }

  /// Looks for the vectors that the query's filter lets through; `buffer` gets them. What is scanned `next`
  /// is fetched meanwhile.
  func scan(
    _ query: PreparedQuery, _ filter: ScoreFilter, _ buffer: inout ScanBuffer,
    next: UnsafeRawPointer?
  ) {
    var codes = codes
    codes.next = next
    precondition(query.numbers.count == dimension && query.rounded.count == layout.depth)
    buffer.fill(queries: 1, vectors: count) { found, scores, counts in
      query.rounded.withUnsafeBufferPointer { rounded in
        // The upper bits stand for step · 8 · (2 · bits − 15).
        var scanned = kernel_code_query(
          rounded: rounded.baseAddress!, centre: query.centre, step: 8 * query.step,
          reach: filter.reach, limit: filter.limit, found: found, scores: scores, found_count: 0)
        kernel_scan_codes(codes, &scanned)
        counts[0] = scanned.found_count
      }
    }
  }

  /// Writes the upper 7 bits of all vectors' codes, `depth` bytes each, in the order of
  /// `PreparedQuery.halves`.
  func unpack(into bits: inout [UInt8]) {
    precondition(bits.count >= count * layout.depth)
    bits.withUnsafeMutableBufferPointer { kernel_unpack_codes(codes, $0.baseAddress!) }
  }

  /// The scores of all vectors by their upper bits, less the penalties; both filled up to whole groups.
  func coarseScores(_ query: PreparedQuery, less penalties: [Float]) -> [Float] {
    precondition(query.numbers.count == dimension && query.rounded.count == layout.depth)
    precondition(penalties.count == layout.padded)
    return [Float](unsafeUninitializedCapacity: layout.padded) { scores, initialized in
      query.rounded.withUnsafeBufferPointer { rounded in
        kernel_score_codes(
          codes,
          kernel_code_query(
            rounded: rounded.baseAddress!, centre: query.centre, step: 8 * query.step, reach: 0,
            limit: 0, found: nil, scores: nil, found_count: 0),
          penalties, scores.baseAddress!)
      }
      initialized = layout.padded
    }
  }

  /// A vector's score by all of its bits, less the centroid's.
  func fineScore(_ index: Int, _ query: PreparedQuery) -> Double {
    precondition(index >= 0 && index < count && query.halves.count == layout.depth)
    return Double(step(index)) * Double(kernel_code_score(codes, index, query.halves))
  }

  private var codes: kernel_codes {
    kernel_codes(
      upper: base + layout.upper, lower: base + layout.lower, steps: base + layout.steps,
      errors: base + layout.coarseErrors, whole_errors: base + layout.fineErrors, next: nil,
      count: count, depth: layout.depth)
  }
}
