import Foundation
import TestSupport
import Testing

@testable import VectorIndex

/// Blocks with damage of every kind, shown to all that reads blocks: each gives a `VectorError` or an
/// answer whose scores are true, and none a trap, a read beyond the end or a search without end.
///
/// BLIP_FUZZ_SECONDS=600 goes on with new seeds for so long, from BLIP_FUZZ_SEED; each seed is printed
/// before its blocks are tried, so that the last one printed is the one that found something.
@Suite struct DamagedBlocks {
  private static let environment = ProcessInfo.processInfo.environment
  private static let seconds = environment["BLIP_FUZZ_SECONDS"].flatMap(Double.init)

  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func giveAnErrorOrAnAnswer(_ seed: UInt64) throws {
    var fuzz = BlockFuzz(seed: seed)
    for _ in 0..<60 { try fuzz.round() }
    // Both happen, or the damage is of no use.
    #expect(fuzz.refused > 0 && fuzz.answered > 0)
  }

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

  @Test(.enabled(if: seconds != nil, "set BLIP_FUZZ_SECONDS to fuzz for longer"))
  func giveAnErrorOrAnAnswerForLong() throws {
    let end = ContinuousClock.now + .seconds(Self.seconds ?? 0)
    var seed = Self.environment["BLIP_FUZZ_SEED"].flatMap(UInt64.init) ?? 1000
    var (refused, answered) = (0, 0)
    while ContinuousClock.now < end {
      print("fuzzing blocks with seed \(seed)")
      fflush(nil)
      var fuzz = BlockFuzz(seed: seed)
      for _ in 0..<1000 { try fuzz.round() }
      (refused, answered) = (refused + fuzz.refused, answered + fuzz.answered)
      seed += 1
    }
    print("fuzzed blocks: \(refused) times an error, \(answered) times an answer")
  }
}

/// Damages blocks and reads them.
private struct BlockFuzz {
  private var random: SeededGenerator
  private(set) var refused = 0
  private(set) var answered = 0

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  private mutating func pick<T>(_ choices: [T]) -> T { choices.randomElement(using: &random)! }

  /// A block, damaged, beside a whole one.
  mutating func round() throws {
    let dimension = pick([1, 31, 32, 40, 64, 256])
    let count = pick([1, 7, 8, 9, 50])
    let vectors = Spread.random.vectors(2 * count + 2, dimension, &random)
    let centroid = Bool.random(using: &random) ? vectors[2 * count + 1] : nil
    func block(_ rows: Range<Int>) throws -> [UInt8] {
      try VectorBlock.encode(
        ids: rows.map { UInt64($0) }, vectors: vectors[rows].flatMap { $0 }, dimension: dimension,
        centroid: centroid)
    }
    let (whole, other) = (try block(0..<count), try block(count..<2 * count))
    let damaged = damage(other, whole)
    try search(
      [whole, damaged, whole].shuffled(using: &random), vectors, for: vectors[2 * count])
    try attempt { try VectorBlock.verify(damaged.span.bytes) }
    try attempt { _ = try VectorBlock.ids(of: damaged.span.bytes) }
    try attempt { _ = try VectorBlock.removing([UInt64(count)], from: damaged.span.bytes) }
    try attempt {
      _ = try VectorBlock.appending(
        ids: [1], vectors: vectors[0], centroid: centroid, to: damaged.span.bytes)
    }
    // What is written back is never damage made good by a new checksum.
    if damaged != other, damaged.count == other.count, damaged[24..<32] == other[24..<32] {
      #expect(throws: VectorError.self) { try VectorBlock.verify(damaged.span.bytes) }
      #expect(throws: VectorError.self) {
        try VectorBlock.removing([UInt64(count)], from: damaged.span.bytes)
      }
    }
  }

  private mutating func attempt(_ body: () throws -> Void) throws {
    do {
      try body()
      answered += 1
    } catch is VectorError { refused += 1 }
  }

  private mutating func search(_ blocks: [[UInt8]], _ vectors: [[Float]], for query: [Float]) throws
  {
    let excluded = Bool.random(using: &random) ? UInt64.random(in: 0..<20, using: &random) : nil
    let prepared = try PreparedQuery(query)
    let count = pick([0, 1, 3, 10, 1000])
    let score = pick([0, 0.3, -2])
    // As the store does: an id that is none has no vector, which is damage too.
    func trueScore(_ id: UInt64) throws(VectorError) -> Double {
      guard id < vectors.count else { throw VectorError(description: "no vector \(id)") }
      let vector = vectors[Int(id)]
      return try exactScore(query, vector.span.bytes)
    }
    let first = blocks[0]
    for bound in [ScoreBound.proven, .probable] {
      do {
        var scan = BlockScan(prepared, count: count, bound: bound) { $0 != excluded }
        var second = scan
        for block in blocks { try scan.visit(block.span.bytes, centroidScore: score) }
        try second.visit(first.span.bytes, centroidScore: score)
        scan.merge(second)
        let found = try scan.finish { try trueScore($0) }
        #expect(found.count <= count && found.allSatisfy { $0.id != excluded })
        for candidate in found { #expect(try candidate.score == trueScore(candidate.id)) }
        answered += 1
      } catch is VectorError { refused += 1 }
    }
    do {
      // As many as read whole codes.
      var scans = (0..<8).map { BlockScan(prepared, count: $0) }
      try withExtendedLifetime(blocks) {
        try BlockScan.visit(
          blocks.map { $0.withUnsafeBytes { StoredBlock(unsafeBytes: $0) } }, with: &scans)
      }
      answered += 1
    } catch is VectorError { refused += 1 }
  }

  // MARK: - Damage

  private mutating func damage(_ block: [UInt8], _ other: [UInt8]) -> [UInt8] {
    var damaged = block
    for _ in 0..<pick([1, 1, 2, 5]) {
      switch Int.random(in: 0..<7, using: &random) {
      case 0: damaged[place(damaged)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: damaged[place(damaged)] = .random(in: 0...255, using: &random)
      case 2:
        let start = place(damaged)
        let value = pick([0, 0x7f, 0x80, 0xff] as [UInt8])
        for index in start..<min(start + pick([2, 8, 64]), damaged.count) {
          damaged[index] = value
        }
      case 3:
        let numbers: [Float] = [
          .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -1, -0.0, .leastNonzeroMagnitude,
          1e30,
        ]
        store(
          pick(numbers).bitPattern, at: 4 * Int.random(in: 0..<damaged.count / 4, using: &random),
          in: &damaged)
      case 4: resize(&damaged)
      case 5:
        let cut = place(damaged)
        damaged = Array(damaged[..<cut] + other.dropFirst(cut))
      default:
        let header = pick([0, 4, 8, 12, 16, 20])
        store(pick([0, 1, 2, 255, 65536, 65537, .max, 1 << 31]), at: header, in: &damaged)
      }
      if damaged.count < 32 { return damaged }
    }
    return damaged
  }

  /// Half of the places are in the header and the first arrays.
  private mutating func place(_ block: [UInt8]) -> Int {
    let end = Bool.random(using: &random) ? min(120, block.count) : block.count
    return Int.random(in: 0..<end, using: &random)
  }

  private func store(_ word: UInt32, at offset: Int, in block: inout [UInt8]) {
    guard offset + 4 <= block.count else { return }
    withUnsafeBytes(of: word.littleEndian) { block.replaceSubrange(offset..<offset + 4, with: $0) }
  }

  /// Another count or dimension with the length that belongs to it: past the check of the length.
  private mutating func resize(_ block: inout [UInt8]) {
    let dimension = pick([1, 31, 32, 33, 40, 64, 256])
    let count = pick([0, 1, 8, 9, 50, 300])
    store(UInt32(dimension), at: 4, in: &block)
    store(UInt32(count), at: 8, in: &block)
    let size = BlockLayout(dimension: dimension, count: count).size
    while block.count < size { block.append(.random(in: 0...255, using: &random)) }
    block.removeLast(block.count - size)
  }
}
