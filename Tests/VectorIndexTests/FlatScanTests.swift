import TestSupport
import Testing
import VectorIndex

/// How vectors lie.
enum Arrangement: String, CaseIterable, Sendable {
  case random, clustered, duplicates

  /// Vectors whose numbers are sixteenths from −1 to 1: their products and sums are exact in
  /// Float, so that an answer has to equal that of Double, ties and all.
  func vectors(_ count: Int, _ dimension: Int, _ random: inout SplitMix64) -> [[Float]] {
    func vector() -> [Float] {
      (0..<dimension).map { _ in Float(Int.random(in: -16...16, using: &random)) / 16 }
    }
    let centres = (0..<5).map { _ in vector() }
    return (0..<count).map { index in
      switch self {
      case .random: return vector()
      case .clustered:
        var near = centres[index % centres.count]
        near[index % dimension] += 1 / 16
        return near
      case .duplicates: return centres[index % centres.count]
      }
    }
  }
}

@Suite struct AnExactScan {
  private func nearest(
    _ vectors: [(id: UInt64, vector: [Float])], to query: [Float], _ count: Int,
    where isIncluded: ((UInt64) -> Bool)? = nil
  ) throws -> [Neighbor] {
    var scan = try FlatScan(query: query, count: count, where: isIncluded)
    for (id, vector) in vectors { try scan.visit(id, vector.span.bytes) }
    return scan.nearest
  }

  /// The definition: score all in Double, sort, take the first.
  private func sorted(_ vectors: [(id: UInt64, vector: [Float])], by query: [Float], _ count: Int)
    -> [Neighbor]
  {
    let scored = vectors.map { id, vector in
      (id, zip(query, vector).reduce(0.0) { $0 + Double($1.0) * Double($1.1) })
    }
    return scored.sorted { ($0.1, $1.0) > ($1.1, $0.0) }.prefix(count)
      .map { Neighbor(id: $0.0, score: $0.1) }
  }

  @Test(arguments: Arrangement.allCases, [1, 3, 8, 31, 32, 33, 256, 300])
  func equalsAFullSort(_ arrangement: Arrangement, _ dimension: Int) throws {
    var random = SplitMix64(seed: UInt64(dimension))
    let vectors = zip(
      (0..<UInt64(400)).shuffled(using: &random),
      arrangement.vectors(400, dimension, &random)
    ).map { (id: $0, vector: $1) }
    let query = arrangement.vectors(1, dimension, &random)[0]
    for count in [0, 1, 10, 399, 400, 1000] {
      #expect(try nearest(vectors, to: query, count) == sorted(vectors, by: query, count))
    }
  }

  @Test func aFilterDecidesInsideTheScan() throws {
    var random = SplitMix64(seed: 9)
    let vectors = Arrangement.random.vectors(300, 16, &random).enumerated()
      .map { (id: UInt64($0), vector: $1) }
    let query = vectors[0].vector
    let kept = vectors.filter { $0.id % 50 == 3 }
    let found = try nearest(vectors, to: query, 5) { $0 % 50 == 3 }
    #expect(found == sorted(kept, by: query, 5))
    #expect(found.count == 5)
    #expect(try nearest(vectors, to: query, 5) { _ in false }.isEmpty)
  }

  @Test func vectorsLieAtAnyAlignment() throws {
    let vector: [Float] = (0..<40).map { Float($0) }
    let bytes: [UInt8] = [0, 0, 0] + vector.withUnsafeBytes { Array($0) }
    var scan = try FlatScan(query: vector, count: 1)
    try scan.visit(7, bytes.span.bytes.extracting(droppingFirst: 3))
    #expect(scan.nearest == [Neighbor(id: 7, score: 20_540)])
  }

  @Test func whatIsNoVectorIsRefused() throws {
    var scan = try FlatScan(query: [1, 0], count: 1)
    #expect(throws: VectorError.self) { try scan.visit(1, ([1] as [Float]).span.bytes) }
    #expect(throws: VectorError.self) { try scan.visit(1, ([1, 0, 0] as [Float]).span.bytes) }
    #expect(throws: VectorError.self) { try scan.visit(1, ([.nan, 0] as [Float]).span.bytes) }
    #expect(throws: VectorError.self) { try scan.visit(1, ([.infinity, 0] as [Float]).span.bytes) }
    #expect(throws: VectorError.self) { try FlatScan(query: [.nan, 0], count: 1) }
    #expect(scan.nearest.isEmpty)
  }
}
