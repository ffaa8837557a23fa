import LMDB
import Store
import StoreTestSupport
import TestSupport
import Testing
import VectorIndex

/// An index is a file like any other: bytes that are not a record are an error.
@Suite struct ADamagedStore {
  private typealias Fixture = StoreFixture

  private typealias RawTable = Table<RawBytes, RawBytes>

  private static let tables = [
    "meta", "pictures", "paths", "hashes", "embeddings", "features", "texts", "text_embeddings",
    "picture_texts", "failures", "lists", "centroids", "places", "details",
    "terms", "signatures",
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
    Damage("details", second, [1]),
    Damage("details", second, Array(repeating: 255, count: 60)),
    Damage("signatures", second, [1]),
    Damage("signatures", second, Array(repeating: 255, count: 164)),
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
      attempt { try store.read { try $0.forEachPicture { _, _ in } } }
      attempt { try store.read { try $0.forEachText { _, _ in } } }
      attempt { try store.read { try $0.forEachFailure { _ in } } }
      attempt { try store.read { _ = try $0.nearestPictures(to: Fixture.embedding(1), count: 9) } }
      attempt { try store.read { _ = try $0.nearestTexts(to: Fixture.embedding(1), count: 9) } }
      for id in 1...UInt64(3) {
        let record = Fixture.record("\(id)", seed: Int(id))
        attempt { try store.read { _ = try $0.embedding(picture: id) } }
        attempt { try store.read { _ = try $0.features(picture: id) } }
        attempt { try store.read { _ = try $0.signature(picture: id) } }
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
    var mutator = Mutator(seed: UInt64(seed))
    let path = try closedIndex(precision)
    for name in Self.tables {
      // One value of a table is damaged at a time.
      var entries: [([UInt8], [UInt8])] = []
      try rewrite(path) { transaction in
        try RawTable(opening: name, in: transaction)
          .forEach(in: transaction) { entries.append(($0, $1)) }
      }
      guard let (key, value) = entries.randomElement(using: &mutator.random) else { continue }
      let damaged = mutator.mutated(value)
      try rewrite(path) { transaction in
        try RawTable(opening: name, in: transaction).put(key, damaged, in: transaction)
      }
      _ = faults(path, precision)
      try rewrite(path) { transaction in
        let table = try RawTable(opening: name, in: transaction)
        if try table.contains(key, in: transaction) { try table.put(key, value, in: transaction) }
      }
    }
  }
}
