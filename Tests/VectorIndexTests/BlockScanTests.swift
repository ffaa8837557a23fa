import Tensors
import TestSupport
import Testing

@testable import VectorIndex

/// Vectors that make a scan's life hard.
enum Spread: String, CaseIterable, Sendable {
  /// Directions all over the sphere.
  case random
  /// Near a few centres.
  case clustered
  /// A few vectors, each many times.
  case duplicates
  /// One number a thousand times as large as the others, so that a code's step is far too coarse.
  case outliers
  /// Scores closer to each other than codes can tell.
  case hairsbreadth
  /// Lengths from 1e-12 to 1e12, and zeros.
  case magnitudes

  func vectors(_ count: Int, _ dimension: Int, _ random: inout SplitMix64) -> [[Float]] {
    func normal() -> Float {
      (0..<6).reduce(0) { sum, _ in sum + Float.random(in: -1...1, using: &random) }
    }
    func vector() -> [Float] { (0..<dimension).map { _ in normal() } }
    let centres = (0..<5).map { _ in vector() }
    return (0..<count).map { index in
      let centre = centres[index % centres.count]
      switch self {
      case .random: return normalized(vector())
      case .clustered: return normalized(centre.map { $0 + 0.3 * normal() })
      case .duplicates: return normalized(centre)
      case .outliers:
        var spoilt = vector()
        spoilt[index % dimension] *= 1000
        return spoilt
      case .hairsbreadth: return normalized(centre.map { $0 + 1e-6 * normal() })
      case .magnitudes:
        let length = index % 50 == 0 ? 0 : Float.random(in: -12...12, using: &random)
        let scale =
          index % 50 == 0
          ? 0
          : (0..<abs(Int(length))).reduce(Float(1)) { scale, _ in
            length < 0 ? scale / 10 : scale * 10
          }
        return vector().map { $0 * scale }
      }
    }
  }
}

/// Vectors by id, and the definition of their order: all scored in Double, sorted.
struct Collection {
  let vectors: [UInt64: [Float]]
  let ids: [UInt64]
  let dimension: Int

  init(_ spread: Spread, count: Int, dimension: Int, seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let rows = spread.vectors(count, dimension, &random)
    ids = (0..<UInt64(count)).map { $0 * 7 + 3 }.shuffled(using: &random)
    vectors = Dictionary(uniqueKeysWithValues: zip(ids, rows))
    self.dimension = dimension
  }

  func blocks(of size: Int, centroids: [[Float]?] = [nil]) throws -> [(
    bytes: [UInt8], centroid: [Float]?
  )] {
    try stride(from: 0, to: ids.count, by: size).enumerated().map { number, first in
      let part = Array(ids[first..<min(first + size, ids.count)])
      let centroid = centroids[number % centroids.count]
      return (
        try VectorBlock.encode(
          ids: part, vectors: part.flatMap { vectors[$0]! }, dimension: dimension,
          centroid: centroid), centroid
      )
    }
  }

  /// The dot product, in Double.
  func score(_ query: [Float], _ id: UInt64) -> Double {
    sum(query, vectors[id]!) { $0 }
  }

  /// The sum of products, each changed by `body`. A plain loop: tests are built without
  /// optimization, and zip and reduce take ten times as long there.
  private func sum(_ a: [Float], _ b: [Float], of body: (Double) -> Double) -> Double {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        var (sum, index) = (0.0, 0)
        while index < a.count {
          sum += body(Double(a[index]) * Double(b[index]))
          index += 1
        }
        return sum
      }
    }
  }

  func nearest(to query: [Float], _ count: Int, where isIncluded: (UInt64) -> Bool = { _ in true })
    -> [Neighbor]
  {
    let scored = ids.filter(isIncluded).map { Neighbor(id: $0, score: score(query, $0)) }
    return Array(scored.sorted { $0.isBetter(than: $1) }.prefix(count))
  }

  func rescore(_ query: PreparedQuery) -> (UInt64) throws -> Double {
    { id in
      let vector = vectors[id]!
      return try exactScore(query.numbers, vector.span.bytes)
    }
  }

  /// Whether an answer is that of the definition: the same scores but for the rounding of a sum in
  /// Double, and the same ids where scores differ by more.
  func agrees(_ found: [Neighbor], with expected: [Neighbor], _ query: [Float]) -> Bool {
    guard found.count == expected.count, Set(found.map(\.id)).count == found.count else {
      return false
    }
    return zip(found, expected).allSatisfy { found, expected in
      let size = sum(query, vectors[found.id]!) { abs($0) }
      let slack = 1e-13 * size + 1e-300
      return abs(found.score - expected.score) <= slack
        && abs(found.score - score(query, found.id)) <= slack
    }
  }
}

/// The kernels and the number of threads are the whole process's.
@Suite(.ownsProcess) struct AScanOfCodes {
  @Test(arguments: Spread.allCases, [1, 7, 32, 100, 256])
  func equalsAScanInDouble(_ spread: Spread, _ dimension: Int) throws {
    let collection = Collection(spread, count: 150, dimension: dimension, seed: 5)
    var random = SplitMix64(seed: 77)
    let queries =
      spread.vectors(1, dimension, &random) + [collection.vectors[collection.ids[0]]!]
      + Spread.random.vectors(1, dimension, &random)
      + [[Float](repeating: 0, count: dimension)]
    let centroids = [nil] + Spread.random.vectors(2, dimension, &random)
    let searches = try [(64, 10), (40, 1), (150, 150), (33, 1000), (8, 0)].map { size, count in
      (try collection.blocks(of: size, centroids: centroids), size, count)
    }
    for query in queries {
      let order = collection.nearest(to: query, 150)
      let prepared = try PreparedQuery(query)
      for (blocks, size, count) in searches {
        try KernelBuild.withEach { _ in
          var scan = BlockScan(prepared, count: count)
          for (bytes, centroid) in blocks {
            let score = try centroid.map { try exactScore(query, $0.span.bytes) } ?? 0
            try scan.visit(bytes.span.bytes, centroidScore: score)
          }
          let found = try scan.finish(rescore: collection.rescore(prepared))
          let agrees = collection.agrees(found, with: Array(order.prefix(count)), query)
          #expect(agrees, "blocks of \(size), the best \(count)")
        }
      }
    }
  }

  @Test(arguments: Spread.allCases)
  func aFilterDecidesInsideTheScan(_ spread: Spread) throws {
    let collection = Collection(spread, count: 400, dimension: 48, seed: 6)
    var random = SplitMix64(seed: 8)
    let query = spread.vectors(1, 48, &random)[0]
    for every in [UInt64(2), 13, 90, 5000] {
      let isIncluded: @Sendable (UInt64) -> Bool = { $0 % every == 3 }
      var scan = BlockScan(try PreparedQuery(query), count: 9, where: isIncluded)
      for block in try collection.blocks(of: 128) { try scan.visit(block.bytes.span.bytes) }
      let found = try scan.finish(rescore: collection.rescore(scan.query))
      let expected = collection.nearest(to: query, 9, where: isIncluded)
      let agrees = collection.agrees(found, with: expected, query)
      #expect(agrees, "one in \(every)")
      #expect(found.allSatisfy { isIncluded($0.id) })
    }
  }

  @Test(arguments: Spread.allCases)
  func batchesEqualSingleQueriesAndThreadsEqualOne(_ spread: Spread) throws {
    // So many that a scan of them is divided among threads.
    let collection = Collection(spread, count: 6000, dimension: 64, seed: 9)
    var random = SplitMix64(seed: 10)
    let blocks = try collection.blocks(of: 300).map(\.bytes)
    // More than a panel of them.
    let queries = try spread.vectors(40, 64, &random).map { try PreparedQuery($0) }
    let single = try queries.map { query in
      var scan = BlockScan(query, count: 5)
      for block in blocks { try scan.visit(block.span.bytes) }
      return try scan.finish(rescore: collection.rescore(query))
    }
    try KernelBuild.withEach { _ in
      for threads in [1, 2, 3] {
        setComputeThreads(threads)
        defer { setComputeThreads(processors) }
        for size in [1, 7, 8, 40] {
          var scans = queries.prefix(size).map { BlockScan($0, count: 5) }
          try withStored(blocks) {
            try BlockScan.visit([StoredList(blocks: $0, centroid: nil)], with: &scans)
          }
          for (scan, expected) in zip(scans, single) {
            let found = try scan.finish(rescore: collection.rescore(scan.query))
            #expect(found == expected, "\(threads) threads, \(size) queries")
          }
        }
        for (query, expected) in zip(queries, single) {
          var scan = BlockScan(query, count: 5)
          try withStored(blocks) { stored in
            try scan.visit(stored.map { ProbedBlock($0, centroidScore: 0) })
          }
          let found = try scan.finish(rescore: collection.rescore(query))
          #expect(found == expected, "\(threads) threads")
        }
      }
    }
  }

  /// Codes that are exact, of which the seven bits that batches scan have every odd one too low and every
  /// even one too high: all that the bound for them allows for.
  @Test func theBitThatBatchesLeaveOutIsAllowedFor() throws {
    let odd = [Float(127.5)] + [Float](repeating: 3.5, count: 63)
    let even = [Float(127.5)] + (1..<64).map { $0 <= 32 ? Float(2.5) : 4.5 }
    let blocks = try [
      VectorBlock.encode(ids: [1, 2], vectors: even + even, dimension: 64),
      VectorBlock.encode(ids: [3], vectors: odd, dimension: 64),
    ]
    let query = try PreparedQuery([Float](repeating: 1, count: 64))
    try KernelBuild.withEach { _ in
      var scans = [BlockScan](repeating: BlockScan(query, count: 1), count: 8)
      try withStored(blocks) {
        try BlockScan.visit([StoredList(blocks: $0, centroid: nil)], with: &scans)
      }
      for scan in scans {
        let best = try scan.finish { id in
          try exactScore(query.numbers, (id == 3 ? odd : even).span.bytes)
        }
        #expect(best == [Neighbor(id: 3, score: 348)])
      }
    }
  }

  /// As where a code has become another vector's: the answer would be of neither.
  @Test func aScoreThatItsCodeCannotHaveIsAnError() throws {
    let collection = Collection(.random, count: 600, dimension: 256, seed: 11)
    let query = collection.vectors[collection.ids[5]]!
    for bound in [ScoreBound.proven, .probable] {
      var scan = BlockScan(try PreparedQuery(query), count: 10, bound: bound)
      for block in try collection.blocks(of: 200) { try scan.visit(block.bytes.span.bytes) }
      #expect(scan.foundCount == 10)
      #expect(throws: VectorError.self) {
        try scan.finish { collection.score(query, $0) + ($0 == collection.ids[5] ? 0.05 : 0) }
      }
      #expect(throws: VectorError.self) { try scan.finish { _ in .nan } }
    }
  }

  @Test func onlyAFewAreLookedAtAgain() throws {
    let collection = Collection(.clustered, count: 1500, dimension: 256, seed: 12)
    var random = SplitMix64(seed: 13)
    let query = Spread.clustered.vectors(1, 256, &random)[0]
    var scan = BlockScan(try PreparedQuery(query), count: 10)
    for block in try collection.blocks(of: 200) { try scan.visit(block.bytes.span.bytes) }
    var rescored = 0
    _ = try scan.finish { id in
      rescored += 1
      return collection.score(query, id)
    }
    #expect(rescored < 100)
  }
}

/// Lends blocks for a scan by several threads.
func withStored(_ blocks: [[UInt8]], _ body: ([StoredBlock]) throws -> Void) throws {
  func lend(_ stored: [StoredBlock], _ rest: ArraySlice<[UInt8]>) throws {
    guard let first = rest.first else { return try body(stored) }
    try first.withUnsafeBytes {
      try lend(stored + [StoredBlock(unsafeBytes: $0)], rest.dropFirst())
    }
  }
  try lend([], blocks[...])
}
