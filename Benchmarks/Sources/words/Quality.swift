import BLIP
import Checkpoints
import Foundation
import Metrics
import Random
import Retrieval
import Store
import Tensors
import TextIndex

/// What words add to the answers: four captions of each picture of a captioned set are its own, the fifth is
/// a query, of which the picture is the only right answer.
///
/// Weights are fitted on every second picture's queries, besides short phrases of captions, and everything
/// is measured on the others'.
struct Quality {
  /// `captions.json` of a set: `[{image, caption: [five]}]`.
  let captions: String
  let modelPath: String
  let folder: String

  struct Record: Codable {
    let image: String
    let caption: [String]
  }

  /// A hit of a query with all that is known of it.
  struct Candidate: Sendable {
    let id: UInt64
    /// The cosine, less the hubness if searches are corrected for it.
    let corrected: Double
    let match: Double?
    let words: WordCalibration.Scores?
    let isOwn, isRight: Bool
  }

  /// What each way of searching says to a query.
  struct Answer: Sendable {
    let picture: Int
    let isPhrase: Bool
    /// All that was found by any way.
    let candidates: [Candidate]
    /// The rank of the query's picture by cosine, by ITM after the cosine, and by BM25F; nil beyond ten.
    let byCosine, byITM, byWords: Int?
  }

  /// An index of the pictures with four captions each.
  func index() async throws -> (Searcher, [Record]) {
    let records = try JSONDecoder().decode(
      [Record].self, from: Data(contentsOf: URL(fileURLWithPath: captions)))
    let images = URL(fileURLWithPath: captions).deletingLastPathComponent()
      .appendingPathComponent("images").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let file = "\(folder)/four.json"
    let own = records.map {
      Record(image: ($0.image as NSString).lastPathComponent, caption: Array($0.caption.prefix(4)))
    }
    try JSONEncoder().encode(own).write(to: URL(fileURLWithPath: file))
    let index = "\(folder)/index"
    let model = try BLIPModel(folder: ModelFolder(path: modelPath), precision: .auto)
    let start = ContinuousClock.now
    let summary = try await Indexer(model: model).run(
      IndexingRequest(
        collection: images, index: index,
        options: IndexingOptions(captions: file, features: .bf16)),
      shouldStop: { false }, report: { _ in })
    note("indexed \(summary.added) in \((ContinuousClock.now - start) / .seconds(1)) s")
    return (try Searcher(index: index, modelPath: modelPath), records)
  }

  /// A text, and the pictures that are right answers to it.
  struct Query: Sendable {
    let text: String
    let picture: Int
    let own: UInt64
    let right: Set<UInt64>
    let isPhrase: Bool
  }

  /// The fifth caption of each picture, and one to three words of it. Right are also the pictures whose
  /// captions have all its words.
  func queries(_ records: [Record], _ searcher: Searcher) throws -> [Query] {
    let analyzer = Analyzer()
    let terms = records.map { record in
      Set(record.caption.flatMap { analyzer.terms(of: $0, for: .index) })
    }
    let ids = try searcher.store.read { snapshot in
      try records.map { record in
        let path = Array((record.image as NSString).lastPathComponent.utf8)
        guard let id = try snapshot.pictureID(path: path) else {
          throw RetrievalError("\(record.image) is not indexed")
        }
        return id
      }
    }
    var random = SplitMix64(seed: 7)
    return records.indices.flatMap { picture -> [Query] in
      guard records[picture].caption.count > 4 else { return [] }
      let caption = records[picture].caption[4]
      let words = caption.split(separator: " ").filter {
        !analyzer.terms(of: String($0), for: .query).isEmpty
      }
      guard !words.isEmpty else { return [] }
      let length = min(1 + random.below(3), words.count)
      let start = random.below(words.count - length + 1)
      let phrase = words[start..<start + length].joined(separator: " ")
      return [(caption, false), (phrase, true)].map { text, isPhrase in
        let wanted = Set(analyzer.terms(of: text, for: .query))
        let right = ids.indices.filter { $0 == picture || wanted.isSubset(of: terms[$0]) }
        return Query(
          text: text, picture: picture, own: ids[picture], right: Set(right.map { ids[$0] }),
          isPhrase: isPhrase)
      }
    }
  }

  func answers(_ queries: [Query], depth: Int, _ searcher: Searcher) async throws -> [Answer] {
    setComputeThreads(1)
    defer { setComputeThreads(processors) }
    var answers: [Answer] = []
    _ = try await concurrentMap(
      queries, inFlight: processors + 1, shouldStop: { false },
      work: { try answer($0, depth: depth, searcher) },
      take: { answer in
        answers.append(answer)
        if answers.count.isMultiple(of: 200) { note("\(answers.count) of \(queries.count)") }
      })
    return answers
  }

  private func answer(_ query: Query, depth: Int, _ searcher: Searcher) throws -> Answer {
    let text = try TextQuery(query.text, model: searcher.model)
    var options = SearchOptions(count: 32, rerankDepth: 0, isExact: true)
    options.usesWords = false
    options.collapsesAlike = false
    let byCosine = try searcher.search(PictureQuery(text), options)
    options.rerankDepth = depth
    let byITM = depth == 0 ? byCosine : try searcher.search(PictureQuery(text), options)
    let byWords = try searcher.store.read { snapshot in
      try snapshot.textMatches(Analyzer().terms(of: query.text, for: .query), count: 10)?.best ?? []
    }
    options.usesWords = true
    options.count = 200
    let candidates = try searcher.search(PictureQuery(text), options).map { hit in
      Candidate(
        id: hit.id, corrected: Double(hit.cosine - (hit.hubness ?? 0)),
        match: hit.matchLogit.map(Double.init), words: hit.words,
        isOwn: hit.id == query.own, isRight: query.right.contains(hit.id))
    }
    return Answer(
      picture: query.picture, isPhrase: query.isPhrase, candidates: candidates,
      byCosine: byCosine.firstIndex { $0.id == query.own },
      byITM: byITM.firstIndex { $0.id == query.own },
      byWords: byWords.firstIndex { $0.id == query.own })
  }
}

func note(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
