import LMDB
import Store
import StoreTestSupport
import TestSupport
import Testing
import VectorIndex

/// Damage of the vector index and of the embeddings that it is made from.
@Suite struct ADamagedVectorIndex {
  private typealias Fixture = StoreFixture

  private typealias RawTable = Table<RawBytes, RawBytes>

  private static let flat: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0]

  /// Every way through the vector index: what they throw.
  private func vectorFaults(_ path: String) -> [String] {
    var faults: [String] = []
    func attempt(_ body: () throws -> Void) {
      do { try body() } catch {
        if !(error is RetrievalError) { Issue.record("\(error)") }
        faults.append("\(error)")
      }
    }
    let query = Fixture.embedding(1)
    attempt {
      let store = try IndexStore.open(path)
      attempt { try store.read { _ = try $0.vectorSummaries() } }
      for (isExact, nprobe) in [(false, nil), (true, nil), (false, 2)] as [(Bool, Int?)] {
        attempt {
          try store.read {
            _ = try $0.nearestPictures(to: query, count: 9, isExact: isExact, nprobe: nprobe)
          }
        }
      }
    }
    attempt {
      let store = try IndexStore.openForWriting(path, metadata: Fixture.metadata(features: .none))
      attempt {
        try store.write { change in
          for seed in 1...90 {
            try change.put(
              Fixture.record("\(seed)"), embedding: Fixture.embedding(999 + seed), features: nil)
          }
        }
      }
      attempt {
        try store.write { change in
          for id in 20...UInt64(60) where try change.picture(id) != nil {
            try change.removePicture(id)
          }
        }
      }
      attempt { _ = try store.updateVectorIndex(VectorIndexOptions(recall: 0.9, listsFrom: 50)) }
    }
    return faults
  }

  private func closedVectors(inLists: Bool) throws -> String {
    let fixture = try Fixture(features: .none)
    try fixture.store.write { change in
      for seed in 1...300 {
        try change.put(
          Fixture.record("\(seed)"), embedding: Fixture.embedding(seed), features: nil)
      }
    }
    if inLists { _ = try fixture.store.updateVectorIndex(VectorIndexOptions(listsFrom: 50)) }
    return fixture.path
  }

  @Test(arguments: 0..<16) func inItsVectorIndexNeverTraps(_ seed: Int) throws {
    var mutator = Mutator(seed: UInt64(seed), focus: .head(64))
    for name in ["lists", "lists", "centroids", "places", "meta"] {
      let path = try closedVectors(inLists: seed % 4 != 0)
      var entries: [([UInt8], [UInt8])] = []
      try rewrite(path) { transaction in
        try RawTable(opening: name, in: transaction)
          .forEach(in: transaction) { entries.append(($0, $1)) }
      }
      let (key, value) = mutator.pick(entries)
      let (_, other) = mutator.pick(entries)
      let damaged = mutator.pick(0..<3) == 0 ? other : mutator.mutated(value, other: other)
      try rewrite(path) { transaction in
        try RawTable(opening: name, in: transaction).put(key, damaged, in: transaction)
      }
      _ = vectorFaults(path)
      // What is made from the embeddings is rebuilt.
      guard name != "meta" else { continue }
      do {
        let store = try IndexStore.openForWriting(
          path, metadata: Fixture.metadata(features: .none))
        #expect(
          try store.updateVectorIndex(VectorIndexOptions(isRebuilt: true, listsFrom: 50)))
      }
      #expect(vectorFaults(path).isEmpty)
    }
  }

  /// A byte of an embedding, a code, a centroid or a list's record that is another than was written
  /// is noticed, or the answer does not depend on it.
  @Test(arguments: ["embeddings", "lists", "centroids"], [false, true])
  func aFlippedBitIsAnErrorOrChangesNothing(_ name: String, _ inLists: Bool) throws {
    typealias Search = (isExact: Bool, ids: Set<UInt64>?)
    let path = try closedVectors(inLists: inLists)
    let searches: [Search] = [(false, nil), (true, nil), (false, Set(1...9))]
    func answers() throws -> [[Neighbor]?] {
      let store = try IndexStore.open(path)
      return searches.map { search in
        try? store.read {
          try $0.nearestPictures(
            to: Fixture.embedding(1), count: 9, among: search.ids, isExact: search.isExact)
        }
      }
    }
    let sound = try answers()
    #expect(sound.allSatisfy { $0?.count == 9 })
    var entries: [([UInt8], [UInt8])] = []
    try rewrite(path) { transaction in
      try RawTable(opening: name, in: transaction)
        .forEach(in: transaction) { entries.append(($0, $1)) }
    }
    var random = SplitMix64(seed: inLists ? 1 : 2)
    var noticed = 0
    for _ in 0..<60 {
      let (key, value) = try #require(entries.randomElement(using: &random))
      var spoilt = value
      spoilt[Int.random(in: 0..<value.count, using: &random)] ^=
        1 << UInt8.random(in: 0..<8, using: &random)
      try rewrite(path) { transaction in
        try RawTable(opening: name, in: transaction).put(key, spoilt, in: transaction)
      }
      for (answer, sound) in zip(try answers(), sound) {
        if let answer { #expect(answer == sound) } else { noticed += 1 }
      }
      try rewrite(path) { transaction in
        try RawTable(opening: name, in: transaction).put(key, value, in: transaction)
      }
    }
    #expect(noticed > 0)
  }

  @Test func aBlockOfOtherVectorsIsAnErrorThatSaysSo() throws {
    let path = try closedVectors(inLists: false)
    let block = try VectorBlock.encode(
      ids: Array(1...300), vectors: Array(repeating: 0.5, count: 1200), dimension: 4)
    try rewrite(path) { transaction in
      try RawTable(opening: "lists", in: transaction).put(Self.flat, block, in: transaction)
    }
    let faults = vectorFaults(path)
    #expect(faults.count >= 3 && faults.allSatisfy { $0.hasPrefix(path) && !$0.contains("\n") })
  }
}
