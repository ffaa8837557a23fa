import Tensors
import TestSupport
import Testing
import VectorIndex

/// Normalised vectors about so many centres, which have unlike shares of them.
private func clustered(
  _ count: Int, _ dimension: Int, centres: Int, spread: Float = 0.5,
  _ random: inout SplitMix64
) -> Matrix {
  func noise() -> Float {
    (0..<4).reduce(0) { sum, _ in sum + .random(in: -1...1, using: &random) }
  }
  let centroids = (0..<centres).map { _ in normalized((0..<dimension).map { _ in noise() }) }
  var values: [Float] = []
  for _ in 0..<count {
    let share = Float.random(in: 0..<1, using: &random)
    let centroid = centroids[Int(share * share * Float(centres))]
    values += normalized(centroid.map { $0 + spread / Float(dimension).squareRoot() * noise() })
  }
  return Matrix(rows: count, columns: dimension, values: values)
}

private func nearest(_ query: [Float], _ vectors: [UInt64: [Float]], _ count: Int) -> [Neighbor] {
  var best = TopK(capacity: count)
  for (id, vector) in vectors {
    let score = zip(query, vector).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    best.insert(Neighbor(id: id, score: score))
  }
  return best.sorted()
}

@Suite struct AnIndexInMemory {
  /// In lists, however few vectors there are.
  private static let lists = VectorIndexOptions(recall: 0.99, listsFrom: 1)

  private func index(
    _ ids: [UInt64], _ vectors: Matrix, _ options: VectorIndexOptions = lists
  ) throws -> InMemoryVectorIndex {
    let index = try InMemoryVectorIndex(ids: ids, vectors: vectors, options)
    #expect(index.contents().isFlat == false)
    return index
  }

  /// Every id is in one block, where its location says, and lists count what they hold.
  private func expectPartition(_ index: InMemoryVectorIndex, holding ids: Set<UInt64>) throws {
    var seen: [UInt64] = []
    for (number, list) in index.lists() {
      var members: [UInt64] = []
      for block in index.blocks(of: number) { members += try VectorBlock.ids(of: block.span.bytes) }
      #expect(members.count == list.count)
      #expect(members.allSatisfy { index.location(of: $0)?.list == number })
      seen += members
    }
    #expect(seen.count == ids.count)
    #expect(Set(seen) == ids)
    #expect(index.contents().count == ids.count)
  }

  @Test func probingEveryListIsExact() throws {
    var random = SplitMix64(seed: 3)
    let vectors = clustered(600, 40, centres: 9, &random)
    let ids = (0..<UInt64(600)).map { $0 * 7 + 1 }
    let index = try index(ids, vectors)
    let stored = Dictionary(
      uniqueKeysWithValues: zip(ids, (0..<600).map { Array(vectors[row: $0]) }))
    let queries = (0..<20).map { _ in Array(clustered(1, 40, centres: 1, &random)[row: 0]) }
    for options in [
      VectorSearchOptions(count: 10, probes: .all), VectorSearchOptions(count: 10, isExact: true),
    ] {
      let together = try index.nearest(to: queries, options)
      for (query, batch) in zip(queries, together) {
        let found = try index.nearest(to: query, options)
        let expected = nearest(query, stored, 10)
        #expect(found.map(\.id) == expected.map(\.id))
        #expect(found == batch)
        for (found, expected) in zip(found, expected) {
          #expect(abs(found.score - expected.score) < 1e-12)
        }
      }
    }
  }

  @Test func theRecallThatWasAskedForIsMeasuredAndHolds() throws {
    var random = SplitMix64(seed: 5)
    let all = clustered(1100, 32, centres: 30, &random)
    let vectors = all.rows(0..<1000)
    let ids = (0..<UInt64(1000)).map { $0 }
    let stored = Dictionary(
      uniqueKeysWithValues: zip(ids, (0..<1000).map { Array(vectors[row: $0]) }))
    let index = try index(ids, vectors, VectorIndexOptions(recall: 0.95, listsFrom: 1))
    let measured = try #require(index.measurement())
    #expect(measured.recall >= 0.95)
    #expect(measured.nprobe < 0.8 * Double(measured.lists))
    let queries = (1000..<1100).map { Array(all[row: $0]) }
    let together = try index.nearest(to: queries, VectorSearchOptions(count: 10))
    var recalled = 0
    for (query, batch) in zip(queries, together) {
      let found = try index.nearest(to: query, VectorSearchOptions(count: 10))
      #expect(found == batch)
      recalled += Set(found.map(\.id)).intersection(nearest(query, stored, 10).map(\.id)).count
    }
    // 1,000 neighbors of queries that were not among the held-out ones.
    #expect(Double(recalled) / 1000 > 0.93)
    try index.update(VectorIndexOptions(recall: 1, listsFrom: 1))
    let exhaustive = try #require(index.measurement())
    #expect(exhaustive.recall == 1 && exhaustive.nprobe >= measured.nprobe)
  }

  @Test(arguments: [nil, .best(1), .all, Probes(margin: 1e-9, nprobe: 12)] as [Probes?])
  func aFilterReturnsAsManyAsThereAre(_ probes: Probes?) throws {
    var random = SplitMix64(seed: 6)
    let vectors = clustered(9000, 8, centres: 5, &random)
    let ids = (0..<UInt64(9000)).map { $0 }
    let index = try index(ids, vectors)
    let stored = Dictionary(
      uniqueKeysWithValues: zip(ids, (0..<9000).map { Array(vectors[row: $0]) }))
    let query = Array(vectors[row: 0])
    // Few are scored one by one; many are filtered inside the scan.
    for every in [50, 2] as [UInt64] {
      let members = Set(ids.filter { $0 % every == 1 })
      let options = VectorSearchOptions(count: 10_000, probes: probes, among: members)
      #expect(Set(try index.nearest(to: query, options).map(\.id)) == members)
      var few = VectorSearchOptions(count: 9, isExact: true, among: members)
      let expected = nearest(query, stored.filter { members.contains($0.key) }, 9)
      #expect(try index.nearest(to: query, few).map(\.id) == expected.map(\.id))
      few.probes = .all
      few.isExact = false
      #expect(try index.nearest(to: query, few).map(\.id) == expected.map(\.id))
    }
  }

  @Test(arguments: [Probes(margin: 1e-9, nprobe: 12), .best(1)])
  func aSearchFindsAsManyAsThereAre(_ probes: Probes) throws {
    var random = SplitMix64(seed: 7)
    let vectors = clustered(400, 16, centres: 5, &random)
    let index = try index((0..<400).map { UInt64($0) }, vectors)
    let query = Array(vectors[row: 0])
    for count in [0, 1, 399, 1000] {
      let options = VectorSearchOptions(count: count, probes: probes)
      #expect(try index.nearest(to: query, options).count == min(count, 400))
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func everyIdIsInOneListAfterAnyChanges(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let first = clustered(300, 16, centres: 8, &random)
    let index = try index((0..<300).map { UInt64($0) }, first)
    let lists = index.lists().count
    var stored = Dictionary(
      uniqueKeysWithValues: (0..<300).map { (UInt64($0), Array(first[row: $0])) })
    // All about one centre, so that a list grows until it is divided.
    let crowd = clustered(480, 16, centres: 1, spread: 0.02, &random)
    var next: UInt64 = 300
    for round in 0..<12 {
      var changes: [UInt64: [Float]?] = [:]
      if round % 3 == 2 {
        let removed = stored.keys.sorted().filter { _ in Bool.random(using: &random) }.prefix(60)
        for id in removed + [.max] { changes.updateValue(nil, forKey: id) }
        for id in removed { stored[id] = nil }
      } else {
        for id in next..<next + 60 { stored[id] = Array(crowd[row: Int(id) - 300]) }
        for id in next..<next + 60 { changes.updateValue(stored[id], forKey: id) }
        next += 60
      }
      try index.apply(changes)
      try expectPartition(index, holding: Set(stored.keys))
    }
    #expect(index.lists().count > lists)
    let query = Array(first[row: 1])
    let found = try index.nearest(to: query, VectorSearchOptions(count: 5, isExact: true))
    #expect(found.map(\.id) == nearest(query, stored, 5).map(\.id))
    var removal: [UInt64: [Float]?] = [:]
    for id in stored.keys { removal.updateValue(nil, forKey: id) }
    try index.apply(removal)
    try expectPartition(index, holding: [])
    #expect(try index.nearest(to: query, VectorSearchOptions(count: 5)).isEmpty)
  }

  @Test func duplicatesAreDividedToo() throws {
    let vector: [Float] = [1, 0, 0, 0]
    let vectors = Matrix(rows: 900, columns: 4, values: (0..<900).flatMap { _ in vector })
    let ids = (0..<UInt64(900)).map { $0 }
    let index = try index(ids, vectors)
    try expectPartition(index, holding: Set(ids))
    try index.apply([900: vector])
    try expectPartition(index, holding: Set(0...900))
    let found = try index.nearest(to: vector, VectorSearchOptions(count: 3))
    #expect(found.map(\.score) == [1, 1, 1])
  }

  @Test func builtTwiceItIsTheSameTwice() throws {
    var random = SplitMix64(seed: 8)
    let vectors = clustered(500, 24, centres: 10, &random)
    let ids = (0..<UInt64(500)).map { $0 }
    let indexes = try (0..<2).map { _ in try index(ids, vectors) }
    #expect(indexes[0].lists() == indexes[1].lists())
    #expect(indexes[0].measurement() == indexes[1].measurement())
  }

  @Test func wrongVectorsAndQueriesAreRefused() throws {
    let index = try InMemoryVectorIndex(
      ids: [1, 2], vectors: Matrix(rows: 2, columns: 2, values: [1, 0, 0, 1]))
    let one = VectorSearchOptions(count: 1)
    #expect(throws: VectorError.self) { try index.nearest(to: [1, 2, 3], one) }
    #expect(throws: VectorError.self) { try index.nearest(to: [1, .nan], one) }
    #expect(throws: VectorError.self) { try index.apply([3: [1, 2, 3]]) }
    #expect(throws: VectorError.self) { try index.apply([3: [1, .infinity]]) }
    #expect(try index.nearest(to: [0, 2], one) == [Neighbor(id: 2, score: 2)])
  }
}

@Suite struct WhatAnIndexNeeds {
  private func work(
    _ count: Int, lists: Int, measured: (target: Double, vectors: Int, lists: Int)? = nil,
    isRebuilt: Bool = false
  ) -> VectorIndexWork? {
    let measured = measured.map {
      ProbeMeasurement(
        target: $0.target, recall: 1, probes: .best(3), nprobe: 3, vectors: $0.vectors,
        lists: $0.lists)
    }
    return VectorIndexWork(
      VectorIndexOptions(isRebuilt: isRebuilt, listsFrom: 1000), recall: 0.9, count: count,
      lists: lists, measured: measured)
  }

  @Test func dependsOnHowManyVectorsThereAre() {
    #expect(work(999, lists: 0) == nil)
    #expect(work(999, lists: 0, isRebuilt: true) == .makeFlat)
    #expect(work(1000, lists: 0) == .makeLists(recall: 0.9))
    // An index about the limit does not alternate.
    #expect(work(999, lists: 250, measured: (0.9, 999, 250)) == nil)
    #expect(work(249, lists: 250, measured: (0.9, 249, 250)) == .makeFlat)
  }

  @Test func isAMeasurementWhereTheOldOneIsOfAnother() {
    #expect(work(1000, lists: 250) == .measure(recall: 0.9))
    #expect(work(1000, lists: 250, measured: (0.95, 1000, 250)) == .measure(recall: 0.9))
    #expect(work(1000, lists: 250, measured: (0.9, 700, 250)) == .measure(recall: 0.9))
    #expect(work(1000, lists: 250, measured: (0.9, 1000, 100)) == .measure(recall: 0.9))
    #expect(work(1000, lists: 250, measured: (0.9, 900, 240)) == nil)
  }

  @Test func isNewListsWhereThereAreFarTooFew() {
    #expect(work(16_000, lists: 250, measured: (0.9, 16_000, 250)) == .makeLists(recall: 0.9))
  }
}
