import Glibc
import Testing
import TestSupport

@testable import TextIndex

/// The index against the formula, document by document.
@Suite("A text index")
struct TextIndexTests {
  private static let words = (0..<60).map { "w\($0)" }

  private static func document(_ random: inout SplitMix64) -> TextDocument {
    var fields: [TextField: [String]] = [:]
    for field in TextField.allCases where Bool.random(using: &random) {
      fields[field] = (0..<Int.random(in: 1...12, using: &random)).map { _ in
        // A few words are everywhere, most are rare.
        words[Int(pow(Double.random(in: 0..<1, using: &random), 3) * 60)]
      }
    }
    return TextDocument(fields)
  }

  private static func documents(_ count: Int, seed: UInt64) -> [UInt64: TextDocument] {
    var random = SplitMix64(seed: seed)
    var documents: [UInt64: TextDocument] = [:]
    for _ in 0..<count {
      documents[UInt64.random(in: 1...20_000, using: &random)] = document(&random)
    }
    return documents
  }

  private static func index(_ documents: [UInt64: TextDocument]) throws -> InMemoryTextIndex {
    let index = InMemoryTextIndex()
    try index.apply(documents.mapValues { TextChange(old: nil, new: $0) })
    return index
  }

  /// BM25F as the paper writes it.
  private static func score(
    _ document: TextDocument, _ query: [String], in documents: [UInt64: TextDocument]
  ) -> Double {
    let all = documents.values.filter { !$0.isEmpty }
    var score = 0.0
    for term in Set(query) {
      guard let occurrences = document.occurrences[term] else { continue }
      let frequency = Double(all.count { $0.occurrences[term] != nil })
      let idf = log(1 + (Double(all.count) - frequency + 0.5) / (frequency + 0.5))
      var weighted = 0.0
      for occurrence in occurrences {
        let lengths = all.compactMap { $0.lengths[occurrence.field] }
        let mean = Double(lengths.reduce(0, +)) / Double(lengths.count)
        let b = Double(occurrence.field.lengthNormalization)
        let normal = min(max(1 - b + b * Double(occurrence.length) / mean, 0.5), 2)
        let count = occurrence.field == .syntheticCaption ? 1 : occurrence.frequency
        weighted += Double(occurrence.field.weight) * Double(count) / normal
      }
      score += idf * weighted / (1.2 + weighted)
    }
    return score
  }

  @Test("finds what a look at every document finds, with the same scores", arguments: 0..<5)
  func scores(_ seed: UInt64) throws {
    let documents = Self.documents(300, seed: seed)
    let index = try Self.index(documents)
    var random = SplitMix64(seed: seed + 100)
    for _ in 0..<10 {
      let query = (0..<3).map { _ in Self.words.randomElement(using: &random)! } + ["nowhere"]
      let expected = documents.mapValues { Self.score($0, query, in: documents) }
        .filter { $0.value > 0 }
      let all = try index.search(query, count: 1000)
      #expect(Set(all.best.map(\.id)) == Set(expected.keys))
      for match in all.best {
        #expect(abs(Double(match.score) - expected[match.id]!) < 1e-4)
        #expect(match.coverage > 0 && match.coverage < 1)
      }
      #expect(all.best == all.best.sorted { ($1.score, $0.id) < ($0.score, $1.id) })
      let some = try index.search(query, count: 7, scoring: Set(documents.keys.prefix(50)))
      #expect(some.best == Array(all.best.prefix(7)))
      for id in documents.keys.prefix(50) {
        #expect(some.byID[id] == all.byID[id])
      }
      let odd = Set(documents.keys.filter { $0 % 2 == 1 })
      let among = try index.search(query, count: 1000, among: odd)
      #expect(among.best == all.best.filter { odd.contains($0.id) })
      #expect(try index.search(query, count: 0).best.isEmpty)
    }
  }

  @Test("after any changes is the same as one made anew", arguments: 0..<5)
  func changes(_ seed: UInt64) throws {
    var documents = Self.documents(200, seed: seed)
    let index = try Self.index(documents)
    var random = SplitMix64(seed: seed + 50)
    for _ in 0..<10 {
      var changes: [UInt64: TextChange] = [:]
      for _ in 0..<30 {
        let id =
          Bool.random(using: &random)
          ? documents.keys.randomElement(using: &random)!
          : UInt64.random(in: 1...20_000, using: &random)
        guard changes[id] == nil else { continue }
        let new = Bool.random(using: &random) ? Self.document(&random) : nil
        changes[id] = TextChange(old: documents[id], new: new)
        documents[id] = new
      }
      try index.apply(changes)
    }
    let fresh = try Self.index(documents)
    #expect(index.blocks == fresh.blocks && index.statistics() == fresh.statistics())
    try index.apply(documents.mapValues { TextChange(old: $0, new: nil) })
    #expect(index.blocks.isEmpty && index.statistics() == TextStatistics())
  }

  @Test("a word of a synthetic caption counts less than the same word of a person's, anywhere")
  func synthetic() throws {
    let persons: [TextField] = [.caption, .name, .folder, .title, .description, .keyword, .place]
    for field in persons {
      // Long and once, against short and often.
      let long = TextDocument([field: ["rare"] + (0..<250).map { "x\($0)" }])
      let short = TextDocument([.syntheticCaption: Array(repeating: "rare", count: 9)])
      let other = TextDocument([field: ["x1"], .syntheticCaption: (0..<99).map { "y\($0)" }])
      let index = try Self.index([1: short, 2: long, 3: other])
      let best = try index.search(["rare"], count: 9).best
      #expect(best.map(\.id) == [2, 1], "\(field)")
      #expect(best[1].fields.fields == [.syntheticCaption] && best[0].fields.fields == [field])
    }
  }

  @Test("a block is what it was after writing and reading; anything else is refused or harmless")
  func blocks() throws {
    for (term, blocks) in try Self.index(Self.documents(300, seed: 9)).blocks {
      for (number, bytes) in blocks {
        let postings = try PostingBlock.decode(bytes, number: number)
        #expect(PostingBlock.encode(postings, number: number) == bytes, "\(term)")
        for length in 0..<min(bytes.count, 40) {
          #expect(throws: TextIndexError.self) {
            try PostingBlock.decode(Array(bytes.prefix(length)), number: number)
          }
        }
      }
    }
    var random = SplitMix64(seed: 1)
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        UInt8.random(in: 0...(.max), using: &random)
      }
      _ = try? PostingBlock.decode(bytes, number: 3)
      let index = InMemoryTextIndex()
      index.put(bytes, number: 3, of: "a")
      _ = try? index.search(["a"], count: 3)
    }
  }
}
