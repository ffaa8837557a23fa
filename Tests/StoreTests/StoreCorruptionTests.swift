import LMDB
import Store
import StoreTestSupport
import TestSupport
import Testing
import VectorIndex

/// What lies in an index is a file like any other: bytes that are no record are an error.
@Suite struct ADamagedStore {
  private typealias Fixture = StoreFixture
  private typealias RawTable = Table<RawBytes, RawBytes>

  private static let tables = [
    "meta", "pictures", "paths", "hashes", "embeddings", "features", "texts", "text_embeddings",
    "picture_texts", "failures", "lists", "centroids", "places",
  ]

  struct Damage: Sendable {
    let table: String
    let key: [UInt8]
    let value: [UInt8]

    init(_ table: String, _ key: [UInt8], _ value: [UInt8]) {
      self.table = table
      self.key = key
      self.value = value
    }
  }

  /// The key of picture 2 and of text 2.
  private static let second: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 2]

  /// The key of the row of embeddings with ids up to 14, and of the only block of pictures.
  private static let first: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
  private static let flat: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0]

  private static let damages: [Damage] = [
    Damage("meta", Array("image_size".utf8), Array("-5".utf8)),
    Damage("meta", Array("embedding_size".utf8), Array("99999999999999999999".utf8)),
    Damage("meta", Array("feature_rows".utf8), Array("9223372036854775807".utf8)),
    Damage("meta", Array("features".utf8), Array("int4".utf8)),
    Damage("meta", Array("precision".utf8), Array("fp8".utf8)),
    Damage("meta", Array("precision".utf8), Array("auto".utf8)),
    Damage("meta", Array("name".utf8), [0xFF]),
    Damage("meta", Array("next_picture_id".utf8), Array("18446744073709551615".utf8)),
    Damage("meta", Array("next_picture_id".utf8), Array("1".utf8)),
    Damage("meta", Array("next_text_id".utf8), Array("none".utf8)),
    Damage("pictures", second, [1, 2, 3]),
    Damage("pictures", second, Array(repeating: 255, count: 100)),
    Damage("pictures", [1], Array(repeating: 0, count: 100)),
    Damage("paths", [1], [1]),
    Damage("embeddings", first, Array(repeating: 0, count: 33)),
    Damage("embeddings", first, [14, 0, 0, 0, 0, 0, 0, 0] + Array(repeating: 0, count: 107)),
    Damage("embeddings", first, [14, 0, 0, 0, 0, 0, 0, 0] + Array(repeating: 0, count: 144)),
    Damage("embeddings", first, [14, 0, 0, 0, 0, 0, 0, 0] + Array(repeating: 255, count: 108)),
    Damage("lists", flat, [1, 2, 3]),
    Damage("lists", flat, Array(repeating: 255, count: 200)),
    Damage("lists", flat.dropLast() + [1], [1, 2, 3]),
    Damage("centroids", Array(flat.prefix(5)), []),
    Damage("centroids", Array(flat.prefix(5)), [1, 0, 0, 0, 0, 0, 0, 0]),
    Damage("centroids", [0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0, 0, 0, 1, 2]),
    Damage("places", [0] + second, [0, 0, 0, 0, 1, 0, 0, 0]),
    Damage("places", [0] + second, [1]),
    Damage("features", second, []),
    Damage("features", second, Array(repeating: 255, count: 38)),
    Damage(
      "features", second,
      [3, 0, 0, 0, 5, 0, 0, 0] + Array(repeating: 255, count: 30)
    ),
    Damage("texts", second, [1]),
    Damage("texts", second, [1, 0, 0, 0, 0, 0, 0, 0, 0xFF]),
    Damage("text_embeddings", first, [1, 2, 3, 4]),
    Damage("failures", [1], []),
    Damage("failures", [1], Array(repeating: 255, count: 60)),
    Damage("picture_texts", [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 99], []),
  ]

  /// The folder of an index of a few of everything that nobody has open.
  private func closedIndex(_ features: FeaturePrecision = .bf16) throws -> String {
    let fixture = try Fixture(features: features)
    try fixture.store.write { change in
      for seed in 1...3 {
        let id = try change.put(
          Fixture.record("\(seed)", seed: seed), embedding: Fixture.embedding(seed),
          features: features == .none ? nil : Fixture.features(seed))
        try change.setTexts([("text \(seed)", Fixture.embedding(seed))], of: id)
      }
      try change.putFailure(
        FailureRecord(path: [1, 2], reason: "no picture", size: 1, modified: 1, when: 1))
    }
    return fixture.path
  }

  /// Everything that reads, each call on its own: what they throw.
  private func faults(_ path: String, _ features: FeaturePrecision = .bf16) -> [String] {
    var faults: [String] = []
    func attempt(_ body: () throws -> Void) {
      do { try body() } catch {
        if !(error is RetrievalError) { Issue.record("\(error)") }
        faults.append("\(error)")
      }
    }
    attempt {
      let store = try IndexStore.open(path)
      try store.read { snapshot in
        _ = try snapshot.pictureCount() + snapshot.textCount() + snapshot.failureCount()
        _ = try snapshot.tableSizes()
      }
      attempt { try store.read { _ = try $0.metadata() } }
      attempt { try store.read { try $0.forEachPicture { _, _ in } } }
      attempt { try store.read { try $0.forEachText { _, _ in } } }
      attempt { try store.read { try $0.forEachFailure { _ in } } }
      attempt { try store.read { _ = try $0.nearestPictures(to: Fixture.embedding(1), count: 9) } }
      attempt { try store.read { _ = try $0.nearestTexts(to: Fixture.embedding(1), count: 9) } }
      for id in 1...UInt64(3) {
        let record = Fixture.record("\(id)", seed: Int(id))
        attempt { try store.read { _ = try $0.embedding(picture: id) } }
        attempt { try store.read { _ = try $0.features(picture: id) } }
        attempt { try store.read { _ = try $0.pictureID(path: record.path) } }
        attempt { try store.read { _ = try $0.pictures(contentHash: record.contentHash) } }
        attempt { try store.read { _ = try $0.texts(of: id) } }
      }
    }
    attempt {
      let store = try IndexStore.openForWriting(
        path, metadata: Fixture.metadata(features: features))
      attempt {
        try store.write { change in
          for seed in 2...4 {
            let id = try change.put(
              Fixture.record("\(seed)", seed: 9), embedding: Fixture.embedding(9),
              features: Fixture.features(9))
            try change.setTexts([("new", Fixture.embedding(3))], of: id)
          }
        }
      }
      attempt {
        try store.write { change in for id in 1...UInt64(3) { try change.removePicture(id) } }
      }
    }
    return faults
  }

  @Test func isNotWhatASoundOneIs() throws {
    #expect(faults(try closedIndex()).isEmpty)
  }

  @Test(arguments: damages)
  func isAnErrorThatSaysSo(_ damage: Damage) throws {
    let path = try closedIndex()
    try rewrite(path) { transaction in
      try RawTable(opening: damage.table, in: transaction)
        .put(damage.key, damage.value, in: transaction)
    }
    guard damage.table != "paths" else { return _ = faults(path) }
    #expect(faults(path).contains { $0.hasPrefix(path) })
  }

  @Test(arguments: tables) func withoutATableIsAnError(_ table: String) throws {
    let path = TemporaryFolder().path
    try rewrite(path) { transaction in
      for name in Self.tables where name != table {
        _ = try RawTable(opening: name, in: transaction, create: true)
      }
    }
    #expect(throws: RetrievalError.self) { try IndexStore.open(path) }
  }

  @Test(arguments: [FeaturePrecision.bf16, .int8], 0..<12)
  func neverTraps(_ precision: FeaturePrecision, _ seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let path = try closedIndex(precision)
    for name in Self.tables {
      // A value of the table is cut, lengthened, flipped or replaced, one at a time.
      var entries: [([UInt8], [UInt8])] = []
      try rewrite(path) { transaction in
        try RawTable(opening: name, in: transaction)
          .forEach(in: transaction) { entries.append(($0, $1)) }
      }
      guard let (key, value) = entries.randomElement(using: &random) else { continue }
      var spoilt = value
      switch Int.random(in: 0..<4, using: &random) {
      case 0: spoilt = Array(value.prefix(Int.random(in: 0...value.count, using: &random)))
      case 1: spoilt += (0..<Int.random(in: 1...9, using: &random)).map { UInt8($0) }
      case 2:
        for index in spoilt.indices where Int.random(in: 0..<4, using: &random) == 0 {
          spoilt[index] = UInt8.random(in: 0...255, using: &random)
        }
      default:
        spoilt = (0..<value.count).map { _ in UInt8.random(in: 0...255, using: &random) }
      }
      try rewrite(path) { transaction in
        try RawTable(opening: name, in: transaction).put(key, spoilt, in: transaction)
      }
      _ = faults(path, precision)
      try rewrite(path) { transaction in
        let table = try RawTable(opening: name, in: transaction)
        if try table.contains(key, in: transaction) { try table.put(key, value, in: transaction) }
      }
    }
  }

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
      attempt { _ = try store.arrangeVectors(VectorArrangement(recall: 0.9, listsFrom: 50)) }
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
    if inLists { _ = try fixture.store.arrangeVectors(VectorArrangement(listsFrom: 50)) }
    return fixture.path
  }

  @Test(arguments: 0..<16) func inItsVectorIndexNeverTraps(_ seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    for name in ["lists", "lists", "centroids", "places", "meta"] {
      let path = try closedVectors(inLists: seed % 4 != 0)
      var entries: [([UInt8], [UInt8])] = []
      try rewrite(path) { transaction in
        try RawTable(opening: name, in: transaction)
          .forEach(in: transaction) { entries.append(($0, $1)) }
      }
      let (key, value) = try #require(entries.randomElement(using: &random))
      var spoilt = value
      switch Int.random(in: 0..<3, using: &random) {
      case 0: spoilt = Array(value.prefix(Int.random(in: 0...value.count, using: &random)))
      case 1:
        for _ in 0..<4 {
          spoilt[Int.random(in: 0..<min(64, value.count), using: &random)] ^=
            1 << UInt8.random(in: 0..<8, using: &random)
        }
      default: spoilt = entries.randomElement(using: &random)!.1
      }
      try rewrite(path) { transaction in
        try RawTable(opening: name, in: transaction).put(key, spoilt, in: transaction)
      }
      _ = vectorFaults(path)
      // What can be made from the embeddings is made again.
      guard name != "meta" else { continue }
      do {
        let store = try IndexStore.openForWriting(
          path, metadata: Fixture.metadata(features: .none))
        #expect(
          try store.arrangeVectors(VectorArrangement(isRebuilt: true, listsFrom: 50)))
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
    func answers() throws -> [[Neighbour]?] {
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
    var random = SeededGenerator(seed: inLists ? 1 : 2)
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
