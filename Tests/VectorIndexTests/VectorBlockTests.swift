import TestSupport
import Testing

@testable import VectorIndex

@Suite struct ABlock {
  private func rows(_ count: Int, _ dimension: Int, seed: UInt64) -> [[Float]] {
    var random = SplitMix64(seed: seed)
    return Spread.random.vectors(count, dimension, &random)
  }

  @Test(arguments: [1, 8, 9, 100], [1, 31, 64])
  func thatGrowsIsTheOneOfAllItsVectors(_ count: Int, _ dimension: Int) throws {
    let vectors = rows(count, dimension, seed: 1)
    let ids = (0..<UInt64(count)).map { $0 * $0 }
    let centroid = rows(1, dimension, seed: 2)[0]
    let whole = try VectorBlock.encode(
      ids: ids, vectors: vectors.flatMap { $0 }, dimension: dimension, centroid: centroid)
    for cut in [0, count / 2, count] {
      let part = try VectorBlock.encode(
        ids: Array(ids[..<cut]), vectors: vectors[..<cut].flatMap { $0 }, dimension: dimension,
        centroid: centroid)
      let grown = try VectorBlock.appending(
        ids: Array(ids[cut...]), vectors: vectors[cut...].flatMap { $0 }, centroid: centroid,
        to: part.span.bytes)
      #expect(grown == whole)
    }
    #expect(try VectorBlock.ids(of: whole.span.bytes) == ids)
    try VectorBlock.verify(whole.span.bytes)
  }

  @Test func thatLosesVectorsKeepsTheOthers() throws {
    let vectors = rows(40, 40, seed: 3)
    let all = try VectorBlock.encode(
      ids: Array(0..<40), vectors: vectors.flatMap { $0 }, dimension: 40)
    let kept = (0..<UInt64(40)).filter { $0 % 3 != 1 }
    let left = try VectorBlock.removing(
      Set((0..<100).filter { $0 % 3 == 1 }), from: all.span.bytes)
    #expect(try VectorBlock.ids(of: left.span.bytes) == kept)
    // The norm in the header may stay what it was, and so the checksum; all else is that of a new
    // block.
    let fresh = try VectorBlock.encode(
      ids: kept, vectors: kept.flatMap { vectors[Int($0)] }, dimension: 40)
    #expect(left.dropFirst(32) == fresh.dropFirst(32))
    let none = try VectorBlock.removing(Set(0..<40), from: all.span.bytes)
    #expect(try VectorBlock.ids(of: none.span.bytes).isEmpty)
    var scan = BlockScan(try PreparedQuery(vectors[0]), count: 3)
    try scan.visit(none.span.bytes)
    #expect(try scan.finish { _ in 0 }.isEmpty)
  }

  @Test func liesAtAnyAlignment() throws {
    let vectors = rows(30, 70, seed: 4)
    let block = try VectorBlock.encode(
      ids: Array(0..<30), vectors: vectors.flatMap { $0 }, dimension: 70)
    let query = try PreparedQuery(vectors[3])
    var answers: Set<[Neighbor]> = []
    for shift in 0..<9 {
      let bytes = [UInt8](repeating: 1, count: shift) + block
      var scan = BlockScan(query, count: 4)
      try scan.visit(bytes.span.bytes.extracting(droppingFirst: shift))
      answers.insert(
        try scan.finish { id in
          let vector = vectors[Int(id)]
          return try exactScore(vectors[3], vector.span.bytes)
        })
    }
    #expect(answers.count == 1)
  }

  @Test func ofWrongNumbersIsRefused() throws {
    for bad in [Float.nan, .infinity, -.infinity, 3e38] {
      #expect(throws: VectorError.self) {
        try VectorBlock.encode(ids: [1], vectors: [0, bad], dimension: 2)
      }
      #expect(throws: VectorError.self) {
        try VectorBlock.encode(ids: [1], vectors: [0, 1], dimension: 2, centroid: [bad, 0])
      }
      #expect(throws: VectorError.self) { try PreparedQuery([1, bad]) }
    }
    #expect(throws: VectorError.self) {
      try VectorBlock.encode(ids: [], vectors: [], dimension: 0)
    }
    #expect(throws: VectorError.self) { try PreparedQuery([]) }
    let block = try VectorBlock.encode(ids: [1], vectors: [0, 1], dimension: 2)
    var scan = BlockScan(try PreparedQuery([1, 2, 3]), count: 1)
    #expect(throws: VectorError.self) { try scan.visit(block.span.bytes) }
  }

  @Test func cutShortAnywhereIsRefused() throws {
    let block = try VectorBlock.encode(
      ids: Array(0..<9), vectors: rows(9, 33, seed: 5).flatMap { $0 }, dimension: 33)
    let query = try PreparedQuery(rows(1, 33, seed: 6)[0])
    for length in 0..<block.count {
      let cut = Array(block[..<length])
      var scan = BlockScan(query, count: 1)
      #expect(throws: VectorError.self) { try scan.visit(cut.span.bytes) }
      #expect(throws: VectorError.self) { try VectorBlock.removing([1], from: cut.span.bytes) }
      #expect(throws: VectorError.self) { try VectorBlock.ids(of: cut.span.bytes) }
    }
  }

  /// Whatever is written over it: an error or an answer, and never a change that hides the damage.
  @Test func damagedGivesAnErrorOrAnAnswer() throws {
    var random = SplitMix64(seed: 14)
    let block = try VectorBlock.encode(
      ids: Array(0..<50), vectors: rows(50, 40, seed: 7).flatMap { $0 }, dimension: 40)
    let query = try PreparedQuery(rows(1, 40, seed: 8)[0])
    for round in 0..<600 {
      var damaged = block
      for _ in 0...round % 4 {
        // Half of the hits go to the header and the first arrays.
        let end = Bool.random(using: &random) ? 500 : block.count
        damaged[Int.random(in: 0..<end, using: &random)] = .random(in: 0...255, using: &random)
      }
      guard damaged != block else { continue }
      var scan = BlockScan(query, count: 5)
      do {
        try scan.visit(damaged.span.bytes)
        _ = try scan.finish { Double($0 % 50) }
      } catch is VectorError {}
      if damaged.dropFirst(32) != block.dropFirst(32) {
        #expect(throws: VectorError.self) {
          try VectorBlock.removing([3], from: damaged.span.bytes)
        }
      }
    }
  }
}
