import TestSupport
import Testing

@testable import VectorIndex

@Suite struct DamagedBlocks {
  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func giveAnErrorOrAnAnswer(_ seed: UInt64) throws { try BlockFuzz.fuzz(seed: seed, rounds: 60) }

  @Test(.longFuzzing) func giveAnErrorOrAnAnswerForLong() throws { try BlockFuzz.fuzzForLong() }

  /// Found by seed 2: 31 and 32 numbers take as many bytes.
  @Test func ofAnotherDimensionTakeNoVectors() throws {
    var block = try VectorBlock.encode(
      ids: [1], vectors: [Float](repeating: 0.1, count: 31), dimension: 31)
    block[4] = 32
    let damaged = block
    #expect(throws: VectorError.self) {
      try VectorBlock.appending(
        ids: [2], vectors: [Float](repeating: 0.1, count: 31), to: damaged.span.bytes)
    }
  }
}

/// A damaged block, shown to everything that reads blocks: a `VectorError` or an answer whose scores
/// are true.
private struct BlockFuzz: FuzzTarget {
  static let inputs = "blocks"

  private var mutator: Mutator

  /// Damage of another length is refused at once.
  init(seed: UInt64) {
    mutator = Mutator(
      seed: seed, focus: .head(120), dictionary: Self.floats + Self.words, keepsLength: true)
  }

  private static let floats = [
    Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, -1, -0.0, .leastNonzeroMagnitude,
    1e30,
  ].map { littleEndian($0.bitPattern) }

  private static let words = [0, 1, 2, 255, 65536, 65537, .max, 1 << 31].map { littleEndian($0) }

  private static func littleEndian(_ word: UInt32) -> [UInt8] {
    withUnsafeBytes(of: word.littleEndian) { Array($0) }
  }

  /// Reads a damaged block alone and beside a sound one.
  mutating func round(_ tally: inout FuzzTally) throws {
    let dimension = mutator.pick([1, 31, 32, 40, 64, 256])
    let count = mutator.pick([1, 7, 8, 9, 50])
    let vectors = Spread.random.vectors(2 * count + 2, dimension, &mutator.random)
    let centroid = mutator.pick([true, false]) ? vectors[2 * count + 1] : nil
    func block(_ rows: Range<Int>) throws -> [UInt8] {
      try VectorBlock.encode(
        ids: rows.map { UInt64($0) }, vectors: vectors[rows].flatMap { $0 }, dimension: dimension,
        centroid: centroid)
    }
    let (sound, other) = (try block(0..<count), try block(count..<2 * count))
    var damaged = mutator.mutated(other, other: sound)
    switch mutator.pick(0..<4) {
    case 0: resize(&damaged)
    case 1:
      let field = mutator.pick([0, 4, 8, 12, 16, 20])
      damaged.replaceSubrange(field..<field + 4, with: mutator.pick(Self.words))
    default: break
    }
    try search(
      [sound, damaged, sound].shuffled(using: &mutator.random), vectors,
      for: vectors[2 * count], &tally)
    try tally.count(rejectedBy: VectorError.self) { try VectorBlock.verify(damaged.span.bytes) }
    try tally.count(rejectedBy: VectorError.self) {
      _ = try VectorBlock.ids(of: damaged.span.bytes)
    }
    try tally.count(rejectedBy: VectorError.self) {
      _ = try VectorBlock.removing([UInt64(count)], from: damaged.span.bytes)
    }
    try tally.count(rejectedBy: VectorError.self) {
      _ = try VectorBlock.appending(
        ids: [1], vectors: vectors[0], centroid: centroid, to: damaged.span.bytes)
    }
    // A block that is written back never gets a new checksum over the damage.
    if damaged != other, damaged.count == other.count, damaged[24..<32] == other[24..<32] {
      #expect(throws: VectorError.self) { try VectorBlock.verify(damaged.span.bytes) }
      #expect(throws: VectorError.self) {
        try VectorBlock.removing([UInt64(count)], from: damaged.span.bytes)
      }
    }
  }

  private mutating func search(
    _ blocks: [[UInt8]], _ vectors: [[Float]], for query: [Float], _ tally: inout FuzzTally
  ) throws {
    let excluded =
      mutator.pick([true, false]) ? UInt64.random(in: 0..<20, using: &mutator.random) : nil
    let prepared = try PreparedQuery(query)
    let count = mutator.pick([0, 1, 3, 10, 1000])
    let score = mutator.pick([0, 0.3, -2])
    // As in the store, an id without a vector is damage too.
    func trueScore(_ id: UInt64) throws(VectorError) -> Double {
      guard id < vectors.count else { throw VectorError(description: "no vector \(id)") }
      let vector = vectors[Int(id)]
      return try exactScore(query, vector.span.bytes)
    }
    let first = blocks[0]
    for bound in [ScoreBound.proven, .probable] {
      try tally.count(rejectedBy: VectorError.self) {
        var scan = BlockScan(prepared, count: count, bound: bound) { $0 != excluded }
        var second = scan
        for block in blocks { try scan.visit(block.span.bytes, centroidScore: score) }
        try second.visit(first.span.bytes, centroidScore: score)
        scan.merge(second)
        let found = try scan.finish { try trueScore($0) }
        #expect(found.count <= count && found.allSatisfy { $0.id != excluded })
        for neighbor in found { #expect(try neighbor.score == trueScore(neighbor.id)) }
      }
    }
    try tally.count(rejectedBy: VectorError.self) {
      // As many as read whole codes.
      var scans = (0..<8).map { BlockScan(prepared, count: $0) }
      try withExtendedLifetime(blocks) {
        let stored = blocks.map { $0.withUnsafeBytes { StoredBlock(unsafeBytes: $0) } }
        try BlockScan.visit([StoredList(blocks: stored, centroid: nil)], with: &scans)
      }
    }
  }

  /// Another count or dimension with the length that belongs to it, so that the block passes the
  /// check of its length.
  private mutating func resize(_ block: inout [UInt8]) {
    let dimension = mutator.pick([1, 31, 32, 33, 40, 64, 256])
    let count = mutator.pick([0, 1, 8, 9, 50, 300])
    block.replaceSubrange(4..<8, with: Self.littleEndian(UInt32(dimension)))
    block.replaceSubrange(8..<12, with: Self.littleEndian(UInt32(count)))
    let size = BlockLayout(dimension: dimension, count: count).size
    while block.count < size { block.append(.random(in: 0...255, using: &mutator.random)) }
    block.removeLast(block.count - size)
  }
}
