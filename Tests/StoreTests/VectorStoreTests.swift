import LMDB
import StoreTestSupport
import Tensors
import TestSupport
import Testing
import VectorIndex

@testable import Store

/// The vector index beside the embeddings that it is made of.
@Suite struct TheVectorIndex {
  private typealias Fixture = StoreFixture

  /// What an index of pictures should hold, by path.
  private struct Expected {
    var embeddings: [UInt64: [Float]] = [:]
    var paths: [UInt64: String] = [:]

    func nearest(to query: [Float], count: Int, among ids: Set<UInt64>? = nil) -> [UInt64] {
      embeddings.filter { ids?.contains($0.key) ?? true }
        .map { id, vector in
          (id, zip(query, vector).reduce(0.0) { $0 + Double($1.0) * Double($1.1) })
        }
        .sorted { ($0.1, $1.0) > ($1.1, $0.0) }.prefix(count).map(\.0)
    }
  }

  /// Random transactions of adds, changes and removals, of pictures and their texts.
  private func fill(
    _ store: IndexStore, _ random: inout SplitMix64, transactions: Int, each: Int,
    after: (Expected, Expected) throws -> Void = { _, _ in }
  ) throws -> (pictures: Expected, texts: Expected) {
    var pictures = Expected()
    var texts = Expected()
    var seed = 0
    func embedding() -> [Float] {
      seed += 1
      return Fixture.embedding(seed)
    }
    for number in 0..<transactions {
      try store.write { change in
        let growing = number % 3 != 2
        for _ in 0..<each {
          let known = pictures.paths.randomElement(using: &random)
          if let known, Int.random(in: 0..<10, using: &random) < (growing ? 2 : 7) {
            try change.removePicture(known.key)
            pictures.paths[known.key] = nil
            pictures.embeddings[known.key] = nil
          } else {
            let isChange = Int.random(in: 0..<4, using: &random) == 0
            let path = isChange ? known?.value ?? "0" : "\(seed)"
            let vector = embedding()
            let id = try change.put(Fixture.record(path), embedding: vector, features: nil)
            pictures.paths[id] = path
            pictures.embeddings[id] = vector
          }
        }
        let some = (0..<Int.random(in: 0..<each, using: &random)).map { _ in embedding() }
        try change.setTexts(some.map { ("text", $0) }, of: nil)
        texts.embeddings = [:]
      }
      try store.read { snapshot in
        for (id, _) in try snapshot.texts(of: nil) {
          texts.embeddings[id] = try snapshot.embedding(text: id)
        }
      }
      try after(pictures, texts)
    }
    return (pictures, texts)
  }

  @Test(arguments: 0..<4) func answersAsAScanOfTheEmbeddingsAfterAnyChanges(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let fixture = try Fixture(features: .none)
    _ = try fill(fixture.store, &random, transactions: 9, each: [3, 40, 300, 900][seed]) {
      (pictures, texts) throws in
      try fixture.store.read { (snapshot: borrowing IndexSnapshot) throws in
        for (id, embedding) in pictures.embeddings {
          #expect(try snapshot.embedding(picture: id) == embedding)
        }
        for count in [1, 10, 3000] {
          let query = Fixture.embedding(1_000_000 + count)
          #expect(
            try snapshot.nearestPictures(to: query, count: count).map(\.id)
              == pictures.nearest(to: query, count: count))
          #expect(
            try snapshot.nearestTexts(to: query, count: count).map(\.id)
              == texts.nearest(to: query, count: count))
        }
      }
    }
    let path = fixture.path
    try expectSoundVectors(consume fixture, path)
  }

  @Test(arguments: 0..<3) func inListsAnswersAsAScanWhereItVisitsAll(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let fixture = try Fixture(features: .none)
    let lists = VectorIndexOptions(listsFrom: 40)
    var listsSeen = 0
    _ = try fill(fixture.store, &random, transactions: 7, each: [60, 200, 400][seed]) {
      (pictures, texts) throws in
      if listsSeen == 0 { #expect(try fixture.store.updateVectorIndex(lists)) }
      try fixture.store.read { (snapshot: borrowing IndexSnapshot) throws in
        listsSeen = try snapshot.vectorSummaries().pictures.lists?.count ?? 0
        for count in [1, 10, 3000] {
          let query = Fixture.embedding(1_000_000 + count)
          let expected = pictures.nearest(to: query, count: count)
          #expect(
            try snapshot.nearestPictures(to: query, count: count, isExact: true).map(\.id)
              == expected)
          #expect(
            try snapshot.nearestPictures(to: query, count: count, nprobe: .max).map(\.id)
              == expected)
          #expect(
            try snapshot.nearestTexts(to: query, count: count, isExact: true).map(\.id)
              == texts.nearest(to: query, count: count))
          // Few lists do not hold many: as many more are visited as it takes.
          #expect(
            try snapshot.nearestPictures(to: query, count: count, nprobe: 1).count
              == expected.count)
        }
      }
    }
    #expect(listsSeen > 0)
    let path = fixture.path
    try expectSoundVectors(consume fixture, path)
  }

  @Test func madeAnewGivesTheSameAnswersAndTheRecallThatWasAskedFor() throws {
    let fixture = try Fixture(features: .none)
    let store = fixture.store
    try store.write { change in
      for number in 0..<2000 {
        try change.put(
          Fixture.record("\(number % 2 == 0 ? "even" : "odd")/\(number)"),
          embedding: Fixture.embedding(number), features: nil)
      }
    }
    let queries = (0..<60).map { Fixture.embedding(100_000 + $0) }
    func answers(exact: Bool) throws -> [[UInt64]] {
      try store.read { snapshot in
        try queries.map { query in
          try snapshot.nearestPictures(to: query, count: 10, isExact: exact).map(\.id)
        }
      }
    }
    let flat = try answers(exact: false)
    var reported: [Int] = []
    for (recall, isRebuilt) in [(0.9, false), (0.9, true), (nil, true), (0.99, false)] {
      let options = VectorIndexOptions(recall: recall, isRebuilt: isRebuilt, listsFrom: 1000)
      #expect(try store.updateVectorIndex(options, report: { reported.append($0) }))
      #expect(try answers(exact: true) == flat)
      let summary = try store.read { try $0.vectorSummaries().pictures }
      let lists = try #require(summary.lists)
      #expect(lists.target == recall ?? 0.9 && lists.recall >= lists.target)
      #expect(lists.nprobe >= 1 && lists.nprobe < Double(lists.count))
      let found = zip(try answers(exact: false), flat).map { Set($0).intersection($1).count }
      #expect(Double(found.reduce(0, +)) / 600 > lists.target - 0.05)
    }
    #expect(reported.filter { $0 > 0 } == [2000, 2000, 2000, 2000])
    #expect(try store.updateVectorIndex(VectorIndexOptions(listsFrom: 1000), shouldStop: { true }))
    // A filter of many, and lists that hold few of them.
    try store.read { snapshot in
      let odd = try snapshot.pictures(under: Array("odd".utf8))
      #expect(try snapshot.nearestPictures(to: queries[0], count: 3000, among: odd).count == 1000)
    }
    #expect(
      try !store.updateVectorIndex(
        VectorIndexOptions(isRebuilt: true, listsFrom: 1000), shouldStop: { true }))
    #expect(try answers(exact: true) == flat)
    #expect(try store.updateVectorIndex(VectorIndexOptions(listsFrom: 1 << 20)))
    #expect(try store.read { try $0.vectorSummaries().pictures.lists } == nil)
    #expect(try answers(exact: false) == flat)
  }

  /// One algorithm over two storages: after the same changes both hold the same lists and give the same
  /// answers, to the last bit.
  @Test(arguments: [0, 1] as [UInt64]) func inMemoryIsTheSameIndex(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let fixture = try Fixture(features: .none)
    let path = fixture.path
    let memory = InMemoryVectorIndex(dimension: 8)
    var options = VectorIndexOptions(recall: 0.9, listsFrom: seed == 0 ? .max : 500)
    var known: [UInt64] = []
    for round in 0..<8 {
      var changes: [UInt64: [Float]?] = [:]
      try fixture.store.write { change in
        for number in 0..<300 {
          // Near each other, so that lists grow until they are divided.
          var vector = Fixture.embedding(round % 2 == 0 ? 1000 * round + number : round)
          vector[0] += Float(number % 50) / 1000
          vector = normalized(vector)
          let id = try change.put(
            Fixture.record("\(round)/\(number)"), embedding: vector, features: nil)
          changes.updateValue(vector, forKey: id)
        }
        for id in known where Int.random(in: 0..<5, using: &random) == 0 {
          try change.removePicture(id)
          changes.updateValue(nil, forKey: id)
        }
      }
      try memory.apply(changes)
      if round == 3 { options.isRebuilt = true }
      #expect(try fixture.store.updateVectorIndex(options))
      try memory.update(options)
      options.isRebuilt = false
      known = memory.ids()
      let queries = (0..<20).map { Fixture.embedding(50_000 + $0) }
      try fixture.store.read { (snapshot: borrowing IndexSnapshot) throws in
        let half = Set(known.filter { $0 % 2 == 0 })
        for options in [
          VectorSearchOptions(count: 10), VectorSearchOptions(count: 10, isExact: true),
          VectorSearchOptions(count: 10, probes: .best(3)),
          VectorSearchOptions(count: 3000, probes: .best(1)),
          VectorSearchOptions(count: 10, among: half),
        ] {
          let found = try snapshot.nearestPictures(to: queries, options)
          #expect(try found == memory.nearest(to: queries, options))
          for (query, batch) in zip(queries, found) {
            #expect(try snapshot.nearestPictures(to: [query], options) == [batch])
            #expect(try memory.nearest(to: query, options) == batch)
          }
        }
      }
    }
    #expect(memory.contents().isFlat == (seed == 0))
    _ = consume fixture
    try expectSameLists(memory, path)
  }

  private func expectSameLists(_ memory: InMemoryVectorIndex, _ path: String) throws {
    let store = try IndexStore.open(path)
    try store.read { snapshot in
      let vectors = try #require(snapshot.tables.vectors)
      let transaction = TransactionReference(snapshot.transaction)
      #expect(try vectors.lists(of: .pictures, in: transaction) == memory.lists())
      for id in memory.ids() {
        #expect(
          try vectors.locations.get((.pictures, id), in: transaction) == memory.location(of: id))
      }
      let measured = try ProbeMeasurement(
        of: .pictures, snapshot.tables.meta, at: path, in: transaction)
      #expect(measured == memory.measurement())
    }
  }

  /// Every id is in one block, and where `places` says; lists count what they hold.
  private func expectSoundVectors(_ fixture: consuming StoreFixture, _ path: String) throws {
    let layout = StoreFixture.metadata(features: .none)
    _ = consume fixture
    let environment = try Environment(path, access: .readOnly)
    let transaction = try ReadTransaction(environment)
    let tables = try VectorTables(of: layout, at: path, in: transaction, create: false)
    var found: [VectorSpace: [UInt64: VectorLocation]] = [:]
    var counts: [VectorSpace: [UInt32: Int]] = [:]
    try tables.lists.forEachBytes(in: transaction) { key, block in
      guard key.space == .pictures || key.space == .texts else { return }
      try VectorBlock.verify(block)
      let ids = try VectorBlock.ids(of: block)
      #expect(!ids.isEmpty)
      counts[key.space, default: [:]][key.list, default: 0] += ids.count
      for id in ids {
        #expect(found[key.space]?[id] == nil, "\(key.space) \(id) is in two blocks")
        found[key.space, default: [:]][id] = VectorLocation(list: key.list, block: key.block)
      }
    }
    for (space, name) in [(VectorSpace.pictures, "embeddings"), (.texts, "text_embeddings")] {
      var places: [UInt64: VectorLocation] = [:]
      try tables.locations.forEach(in: transaction, from: (space, 0), through: (space, .max)) {
        places[$0.id] = $1
      }
      #expect(places == found[space] ?? [:])
      let embeddings = try EmbeddingTable(
        opening: name, of: layout, at: path,
        format: MetadataTable.format(
          Table(opening: "meta", in: transaction), of: path, in: transaction),
        in: transaction, create: false)
      var ids: [UInt64] = []
      try embeddings.forEach(in: transaction) { id, _ in ids.append(id) }
      #expect(ids == places.keys.sorted())
      let lists = try tables.lists(of: space, in: transaction).mapValues { Int($0.count) }
      #expect(lists.filter { $0.value > 0 } == counts[space] ?? [:])
    }
  }

  @Test func aFilterReturnsAsManyAsThereAre() throws {
    var random = SplitMix64(seed: 7)
    let fixture = try Fixture(features: .none)
    let ids = try fixture.store.write { change in
      try (0..<6000).map { number in
        try change.put(
          Fixture.record("\(number % 6 == 0 ? "a" : "ab")/\(number)"),
          embedding: Fixture.embedding(number), features: nil)
      }
    }
    let expected = Expected(
      embeddings: Dictionary(
        uniqueKeysWithValues: zip(ids, (0..<6000).map { Fixture.embedding($0) })))
    try fixture.store.read { snapshot in
      #expect(try snapshot.pictures(under: []).count == 6000)
      #expect(try snapshot.pictures(under: Array("a/0".utf8)).isEmpty)
      for folder in ["a", "ab"] {
        let members = try snapshot.pictures(under: Array(folder.utf8))
        #expect(members == Set(ids.filter { ($0 - 1) % 6 == 0 ? folder == "a" : folder == "ab" }))
        for count in [1, 20, 5500] {
          let query = Fixture.embedding(Int.random(in: 9000..<10_000, using: &random))
          #expect(
            try snapshot.nearestPictures(to: query, count: count, among: members).map(\.id)
              == expected.nearest(to: query, count: count, among: members))
        }
      }
    }
  }
}
