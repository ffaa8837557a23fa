internal import Glibc

/// A document that has terms of a query.
package struct TextMatch: Sendable, Equatable {
  /// The document.
  package let id: UInt64
  /// BM25F.
  package let score: Float
  /// The rarity (idf) of its terms of the query, of that of all terms of the query: 0 to 1.
  package let coverage: Float
  /// The rarity (idf) of the rarest of its terms of the query, of the greatest that a term can have: 0 to
  /// 1. A term in nothing but a synthetic caption does not count.
  package let rarest: Float
  /// Where the terms are.
  package let fields: TextFieldSet
}

/// What a text index says to a query.
package struct TextMatches: Sendable {
  /// The best documents, best first, ties by id.
  package let best: [TextMatch]
  /// Those asked for by id that have a term of the query, and the best.
  package let byID: [UInt64: TextMatch]
  /// Of the whole index.
  package let statistics: TextStatistics
  /// How many documents have a term of the query, by term; 0 where none has it.
  package let frequencies: [String: Int]
}

extension TextStorage {
  /// The best `count` documents for the terms of a query by BM25F (Robertson & Zaragoza 2009, *The
  /// Probabilistic Relevance Framework: BM25 and Beyond*, section 3.6), and the scores of the documents
  /// `ids`, whatever their rank.
  ///
  /// A term counts `idf · t / (k1 + t)`, where `t` is the sum over fields of weight × frequency / B. B is
  /// `(1 − b) + b · length / mean length`, kept within 0.5 and 2, so that a word that a person wrote always
  /// counts more than the same word in a synthetic caption. A repeated term of the query counts once.
  /// - Parameter among: Only these documents; nil: all.
  package func search(
    _ terms: [String], count: Int, scoring ids: Set<UInt64> = [], among: Set<UInt64>? = nil
  ) throws -> TextMatches {
    let statistics = try statistics()
    var unique: [String] = []
    for term in terms where !unique.contains(term) { unique.append(term) }
    var frequencies: [String: Int] = [:]
    var queryTerms: [QueryTerm] = []
    for term in unique {
      let blocks = try blocks(of: term)
      let frequency = try blocks.reduce(0) { try $0 + PostingReader.count($1.bytes) }
      frequencies[term] = frequency
      queryTerms.append(
        QueryTerm(
          idf: Self.idf(frequency, of: max(statistics.documents, frequency)), blocks: blocks))
    }
    let rarity = queryTerms.reduce(0) { $0 + $1.idf }
    queryTerms.removeAll { $0.blocks.isEmpty }
    var scan = TextScan(
      weights: FieldWeights(statistics), rarity: rarity,
      greatestRarity: Self.idf(1, of: max(statistics.documents, 1)), count: count, ids: ids,
      among: among)
    try scan.run(&queryTerms)
    return scan.matches(statistics, frequencies)
  }

  /// Inverse document frequency; never negative.
  private static func idf(_ frequency: Int, of documents: Int) -> Float {
    Float(log(1 + (Double(documents - frequency) + 0.5) / (Double(frequency) + 0.5)))
  }
}

/// A term of a query with what is left of its blocks.
private struct QueryTerm {
  let idf: Float
  let blocks: [(number: UInt64, bytes: [UInt8])]
  var next = 0

  init(idf: Float, blocks: [(number: UInt64, bytes: [UInt8])]) {
    (self.idf, self.blocks) = (idf, blocks)
  }

  var number: UInt64? { next < blocks.count ? blocks[next].number : nil }
}

/// Weight / B of every field and length.
struct FieldWeights {
  private static let synthetic = Int(TextField.syntheticCaption.rawValue)
  private let values: [Float]

  init(_ statistics: TextStatistics) {
    values = TextField.allCases.flatMap { field in
      let (b, mean) = (field.lengthNormalization, statistics.meanLength(of: field))
      return (0...FieldOccurrence.longest).map { length in
        field.weight / min(max((1 - b) + b * Float(length) / mean, 0.5), 2)
      }
    }
  }

  /// What one occurrence counts. A synthetic caption that says a word again says no more.
  @inline(__always)
  func value(_ occurrence: PostingReader.Occurrence) -> Float {
    let weight = values[occurrence.field << 8 | occurrence.length]
    return occurrence.field == Self.synthetic ? weight : weight * Float(occurrence.frequency)
  }
}

/// What a query's terms say of a document.
private struct Evidence {
  var score: Float = 0
  /// The sum of the rarities of its terms.
  var covered: Float = 0
  var rarest: Float = 0
  var fields: UInt16 = 0
}

/// One way through the blocks of a query's terms, range of ids by range of ids.
private struct TextScan {
  /// Term frequency saturation (k1 of BM25).
  private static let saturation: Float = 1.2
  private static let onlySynthetic = TextFieldSet(.syntheticCaption).rawValue

  let weights: FieldWeights
  let rarity: Float
  let greatestRarity: Float
  let count: Int
  let among: Set<UInt64>?
  /// The places of documents whose scores are asked for, by the number of their range.
  private let wantedPlaces: [UInt64: [Int]]
  /// Of each document of a range.
  private var found = Array(repeating: Evidence(), count: Int(PostingBlock.idsPerBlock))
  /// The places in `found` that are not empty.
  private var touched: [Int] = []
  private var best: [TextMatch] = []
  private var wanted: [UInt64: TextMatch] = [:]

  init(
    weights: FieldWeights, rarity: Float, greatestRarity: Float, count: Int, ids: Set<UInt64>,
    among: Set<UInt64>?
  ) {
    (self.weights, self.rarity, self.greatestRarity) = (weights, rarity, greatestRarity)
    (self.count, self.among) = (count, among)
    wantedPlaces = Dictionary(grouping: ids, by: PostingBlock.number).mapValues { ids in
      ids.map { Int($0 % PostingBlock.idsPerBlock) }
    }
    touched.reserveCapacity(found.count)
  }

  mutating func run(_ terms: inout [QueryTerm]) throws {
    while let number = terms.lazy.compactMap(\.number).min() {
      for index in terms.indices where terms[index].number == number {
        try add(terms[index].blocks[terms[index].next].bytes, idf: terms[index].idf)
        terms[index].next += 1
      }
      collect(number)
    }
  }

  private mutating func add(_ block: [UInt8], idf: Float) throws(TextIndexError) {
    let weights = weights
    var touched = touched
    self.touched = []
    defer { self.touched = touched }
    try block.withUnsafeBufferPointer { block throws(TextIndexError) in
      try found.withUnsafeMutableBufferPointer { found throws(TextIndexError) in
        // The reader's places are within a range of ids, and so in `found`.
        var reader = PostingReader(block)
        while let place = try reader.nextDocument() {
          var frequency: Float = 0
          var mask: UInt16 = 0
          while true {
            let occurrence = try reader.nextOccurrence()
            frequency += weights.value(occurrence)
            mask |= 1 << UInt16(truncatingIfNeeded: occurrence.field)
            if occurrence.isLast { break }
          }
          if found[place].fields == 0 { touched.append(place) }
          found[place].fields |= mask
          found[place].score += idf * frequency / (Self.saturation + frequency)
          found[place].covered += idf
          if mask != Self.onlySynthetic { found[place].rarest = max(found[place].rarest, idf) }
        }
      }
    }
  }

  /// Takes what is good enough of a range of ids, and clears it.
  private mutating func collect(_ number: UInt64) {
    let first = number * PostingBlock.idsPerBlock
    for place in wantedPlaces[number] ?? [] where found[place].fields != 0 {
      let match = match(first + UInt64(place), found[place])
      if among?.contains(match.id) ?? true { wanted[match.id] = match }
    }
    for place in touched {
      let evidence = found[place]
      found[place] = Evidence()
      guard count > 0, best.count < count || evidence.score >= best[0].score else { continue }
      let match = match(first + UInt64(place), evidence)
      if among?.contains(match.id) ?? true { insert(match) }
    }
    touched.removeAll(keepingCapacity: true)
  }

  private func match(_ id: UInt64, _ evidence: Evidence) -> TextMatch {
    TextMatch(
      id: id, score: evidence.score, coverage: rarity > 0 ? min(evidence.covered / rarity, 1) : 0,
      rarest: min(evidence.rarest / greatestRarity, 1),
      fields: TextFieldSet(rawValue: evidence.fields))
  }

  /// `best` is a heap with its worst at the root.
  private mutating func insert(_ match: TextMatch) {
    if best.count < count {
      best.append(match)
      var child = best.count - 1
      while child > 0, Self.isBetter(best[(child - 1) / 2], best[child]) {
        best.swapAt(child, (child - 1) / 2)
        child = (child - 1) / 2
      }
      return
    }
    guard count > 0, Self.isBetter(match, best[0]) else { return }
    best[0] = match
    var parent = 0
    while true {
      var worst = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < best.count && Self.isBetter(best[worst], best[child]) { worst = child }
      guard worst != parent else { return }
      best.swapAt(parent, worst)
      parent = worst
    }
  }

  private static func isBetter(_ a: TextMatch, _ b: TextMatch) -> Bool {
    a.score != b.score ? a.score > b.score : a.id < b.id
  }

  func matches(
    _ statistics: TextStatistics, _ frequencies: [String: Int]
  ) -> TextMatches {
    let best = best.sorted(by: Self.isBetter)
    var byID = wanted
    for match in best { byID[match.id] = match }
    return TextMatches(
      best: best, byID: byID, statistics: statistics, frequencies: frequencies)
  }
}
