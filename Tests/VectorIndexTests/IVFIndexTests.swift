import Tensors
import TestSupport
import Testing
import VectorIndex

/// Normalised vectors about so many centres, which have unlike shares of them.
private func clustered(
  _ count: Int, _ dimension: Int, centres: Int, spread: Float = 0.5,
  _ random: inout SeededGenerator
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

private func nearest(_ query: [Float], _ vectors: [UInt64: [Float]], _ count: Int) -> [Candidate] {
  var best = TopK(capacity: count)
  for (id, vector) in vectors {
    let score = zip(query, vector).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    best.insert(Candidate(id: id, score: score))
  }
  return best.sorted()
}

@Suite struct AnInvertedFile {
  /// A model of what the index holds: every id in one list, and sizes that are true.
  private func expectPartition(_ index: IVFIndex, holding ids: Set<UInt64>) throws {
    var seen: [UInt64] = []
    for list in 0..<index.centroids.count {
      let members = try index.ids(ofList: list)
      #expect(members.count == index.sizes[list])
      seen += members
    }
    #expect(seen.count == ids.count)
    #expect(Set(seen) == ids)
    #expect(index.count == ids.count)
  }

  @Test func probingEveryListIsExact() throws {
    var random = SeededGenerator(seed: 3)
    let vectors = clustered(600, 40, centres: 9, &random)
    let ids = (0..<UInt64(600)).map { $0 * 7 + 1 }
    let index = try IVFIndex(ids: ids, vectors: vectors, lists: 20)
    let stored = Dictionary(
      uniqueKeysWithValues: zip(ids, (0..<600).map { Array(vectors[row: $0]) }))
    for _ in 0..<20 {
      let query = Array(clustered(1, 40, centres: 1, &random)[row: 0])
      let found = try index.search(for: query, count: 10, probes: .best(index.centroids.count))
      let expected = nearest(query, stored, 10)
      #expect(found.map(\.id) == expected.map(\.id))
      for (found, expected) in zip(found, expected) {
        #expect(abs(found.score - expected.score) < 1e-12)
      }
    }
  }

  @Test func theRecallThatWasAskedForIsMeasuredAndHolds() throws {
    var random = SeededGenerator(seed: 5)
    let all = clustered(1100, 32, centres: 30, &random)
    let vectors = all.rows(0..<1000)
    let ids = (0..<UInt64(1000)).map { $0 }
    let stored = Dictionary(
      uniqueKeysWithValues: zip(ids, (0..<1000).map { Array(vectors[row: $0]) }))
    let index = try IVFIndex(ids: ids, vectors: vectors, lists: 50, recall: 0.95)
    #expect(index.calibration.recall >= 0.95)
    #expect(index.calibration.lists < 40)
    var recalled = 0
    for row in 1000..<1100 {
      let query = Array(all[row: row])
      let found = try index.search(for: query, count: 10).map(\.id)
      recalled += Set(found).intersection(nearest(query, stored, 10).map(\.id)).count
    }
    // 1,000 neighbours of queries that were not among the held-out ones.
    #expect(Double(recalled) / 1000 > 0.93)
    let exhaustive = try IVFIndex(ids: ids, vectors: vectors, lists: 50, recall: 1)
    #expect(exhaustive.calibration.recall == 1)
    #expect(exhaustive.calibration.vectors >= index.calibration.vectors)
  }

  @Test func aFilterDecidesInsideTheScan() throws {
    var random = SeededGenerator(seed: 6)
    let vectors = clustered(400, 16, centres: 5, &random)
    let index = try IVFIndex(ids: (0..<400).map { UInt64($0) }, vectors: vectors, lists: 12)
    let found = try index.search(
      for: Array(vectors[row: 0]), count: 8, probes: .best(12 * 4), where: { $0 % 50 == 3 })
    #expect(Set(found.map(\.id)) == [3, 53, 103, 153, 203, 253, 303, 353])
  }

  @Test(arguments: [Probes(margin: 1e-9, nprobe: 12), .best(1)])
  func aSearchFindsAsManyAsThereAre(_ probes: Probes) throws {
    var random = SeededGenerator(seed: 7)
    let vectors = clustered(400, 16, centres: 5, &random)
    let index = try IVFIndex(ids: (0..<400).map { UInt64($0) }, vectors: vectors, lists: 12)
    let query = Array(vectors[row: 0])
    #expect(try index.search(for: query, count: 399, probes: probes).count == 399)
    #expect(try index.search(for: query, count: 1000, probes: probes).count == 400)
    let rare = try index.search(for: query, count: 9, probes: probes, where: { $0 % 50 == 3 })
    #expect(rare.count == 8)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func everyIdIsInOneListAfterAnyChanges(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let first = clustered(300, 16, centres: 8, &random)
    var index = try IVFIndex(ids: (0..<300).map { UInt64($0) }, vectors: first, lists: 10)
    let lists = index.centroids.count
    var stored = Dictionary(
      uniqueKeysWithValues: (0..<300).map { (UInt64($0), Array(first[row: $0])) })
    // All about one centre, so that a list grows until it is divided.
    let crowd = clustered(480, 16, centres: 1, spread: 0.02, &random)
    var next: UInt64 = 300
    for round in 0..<12 {
      if round % 3 == 2 {
        let removed = stored.keys.sorted().filter { _ in Bool.random(using: &random) }.prefix(60)
        try index.remove(Array(removed) + [UInt64.max])
        for id in removed { stored[id] = nil }
      } else {
        let added = crowd.rows(Int(next) - 300..<Int(next) - 240)
        let ids = (next..<next + 60).map { $0 }
        next += 60
        try index.add(ids, added)
        for (row, id) in ids.enumerated() { stored[id] = Array(added[row: row]) }
      }
      try expectPartition(index, holding: Set(stored.keys))
    }
    #expect(index.centroids.count > lists)
    let query = Array(first[row: 1])
    let found = try index.search(for: query, count: 5, probes: .best(index.centroids.count))
    #expect(found.map(\.id) == nearest(query, stored, 5).map(\.id))
    try index.remove(Array(stored.keys))
    try expectPartition(index, holding: [])
    #expect(try index.search(for: query, count: 5).isEmpty)
  }

  @Test func duplicatesAreDividedToo() throws {
    let vector: [Float] = [1, 0, 0, 0]
    let vectors = Matrix(rows: 900, columns: 4, values: (0..<900).flatMap { _ in vector })
    let ids = (0..<UInt64(900)).map { $0 }
    var index = try IVFIndex(ids: ids, vectors: vectors, lists: 8)
    try expectPartition(index, holding: Set(ids))
    try index.add([900], Matrix(rows: 1, columns: 4, values: vector))
    try expectPartition(index, holding: Set(0...900))
    #expect(try index.search(for: vector, count: 3).map(\.score) == [1, 1, 1])
  }

  @Test func theSameSeedMakesTheSameLists() throws {
    var random = SeededGenerator(seed: 8)
    let vectors = clustered(500, 24, centres: 10, &random)
    let ids = (0..<UInt64(500)).map { $0 }
    let indexes = try [1, 1, 2].map {
      try IVFIndex(ids: ids, vectors: vectors, lists: 25, seed: $0)
    }
    #expect(indexes[0].centroids.values == indexes[1].centroids.values)
    #expect(indexes[0].calibration == indexes[1].calibration)
    #expect(indexes[0].centroids.values != indexes[2].centroids.values)
  }

  @Test func wrongQueriesAreRefused() throws {
    let index = try IVFIndex(
      ids: [1, 2], vectors: Matrix(rows: 2, columns: 2, values: [1, 0, 0, 1]), lists: 2)
    #expect(throws: VectorError.self) { try index.search(for: [1, 2, 3], count: 1) }
    #expect(throws: VectorError.self) { try index.search(for: [1, .nan], count: 1) }
    #expect(try index.search(for: [0, 2], count: 1) == [Candidate(id: 2, score: 2)])
  }
}
