import BLIP
import Checkpoints
import Files
import Images
import LMDB
import StoreTestSupport
import TestSupport
import Testing

@testable import Retrieval
@testable import Store

/// What words that the index knows of pictures do to the hits of a text; the pictures mean nothing to the tiny
/// model, which is not calibrated.
@Suite("A search by what is known of pictures in words", .ownsProcess)
struct WordSearchTests {
  private func hits(
    _ text: String, _ fixture: IndexFixture, usesWords: Bool = true, folder: String? = nil,
    rerankDepth: Int = 0
  ) throws -> [PictureHit] {
    let searcher = try Searcher(index: fixture.index, modelPath: TinyModel.retrieval.path)
    var options = SearchOptions(count: 40, rerankDepth: rerankDepth)
    if let folder { options.filter.folders = [folder] }
    options.usesWords = usesWords
    options.collapsesAlike = false
    return try searcher.search(
      PictureQuery(QueryExpression(.text(text)), model: searcher.model), options)
  }

  @Test("finds a rare word of a caption first, and says where it was", arguments: [0, 4])
  func caption(_ rerankDepth: Int) async throws {
    let fixture = try IndexFixture(pictures: 12)
    fixture.collection.write("7.txt", "Zanzibar harbour, seen from the ferry")
    fixture.collection.write("8.txt", "a harbour")
    try await fixture.run(features: .bf16)
    let found = try hits("Zanzibar", fixture, rerankDepth: rerankDepth)
    #expect(found.count == 12 && found[0].path == "7.png" && found[0].evidence == [.caption])
    #expect(found.dropFirst().allSatisfy { $0.evidence.isEmpty })
    let plain = try hits("Zanzibar", fixture, usesWords: false, rerankDepth: rerankDepth)
    #expect(
      plain.allSatisfy { $0.evidence.isEmpty } && Set(plain.map(\.id)) == Set(found.map(\.id)))
    // The others keep their order.
    #expect(plain.map(\.path).filter { $0 != "7.png" } == found.dropFirst().map(\.path))
  }

  @Test("finds names, folders and what files say of themselves, in any script")
  func fields() async throws {
    let fixture = try IndexFixture(pictures: 8)
    fixture.add("Lissabon 2019/Zoë.png", seed: 20)
    fixture.add("写真/犬.png", seed: 21)
    fixture.collection.write(
      "t.png",
      PictureMetadata.png(
        TestPNG.picture(seed: 22),
        xmp: PictureMetadata.xmp(title: "Regatta", keywords: ["yacht"], places: ["Porto"])))
    try await fixture.run()
    for (text, path, evidence) in [
      ("lissabon", "Lissabon 2019/Zoë.png", Evidence.folder),
      ("zoe", "Lissabon 2019/Zoë.png", .name),
      ("犬", "写真/犬.png", .name), ("写真", "写真/犬.png", .folder), ("regattas", "t.png", .title),
      ("yachts", "t.png", .keyword), ("PORTO", "t.png", .place),
    ] {
      let first = try #require(try hits(text, fixture).first)
      #expect(first.path == path && first.evidence == [evidence], "\(text)")
    }
    // Only where the search is.
    #expect(try hits("yacht", fixture, folder: "写真").allSatisfy { $0.evidence.isEmpty })
  }

  @Test("is as before, bit for bit, where no picture has a caption or a word of the text")
  func nothing() async throws {
    let fixture = try IndexFixture(pictures: 9)
    try await fixture.run(features: .bf16)
    for depth in [0, 4] {
      for text in ["zebra", "the of a", "собака"] {
        #expect(
          try hits(text, fixture, rerankDepth: depth)
            == hits(text, fixture, usesWords: false, rerankDepth: depth))
      }
    }
    fixture.collection.write("7.txt", "a red bird")
    try await fixture.run(features: .bf16)
    let known = try hits("a red bird", fixture, rerankDepth: 4)
    #expect(known[0].evidence == [.caption])
    try rewrite(fixture.index) { transaction in
      try Table<RawBytes, RawBytes>(opening: "terms", in: transaction).removeAll(in: transaction)
    }
    let before = try hits("a red bird", fixture, usesWords: false, rerankDepth: 4)
    #expect(try hits("a red bird", fixture, rerankDepth: 4) == before && known != before)
  }

  @Test("knows of a picture with a caption that no word of the text is there")
  func absent() async throws {
    let fixture = try IndexFixture(pictures: 9)
    fixture.collection.write("7.txt", "a red bird")
    try await fixture.run()
    for text in ["zebra", "the of a"] {
      for hit in try hits(text, fixture) {
        let words = try #require(hit.words)
        #expect(words.coverage == 0 && words.score == 0 && hit.evidence.isEmpty)
        #expect((words.caption != nil) == (hit.path == "7.png"))
      }
    }
  }

  @Test("puts what a person wrote before what a model generated")
  func generated() async throws {
    let fixture = try IndexFixture(pictures: 12)
    fixture.collection.write("3.txt", "somewhere a very long caption that mentions a kestrel once")
    try await fixture.run()
    let store = try IndexStore.openAnyForWriting(fixture.index)
    let embedding = [1] + [Float](repeating: 0, count: store.metadata.sizes.embedding - 1)
    try store.write { change in
      let id = try #require(try change.pictureID(path: Array("5.png".utf8)))
      try change.setSyntheticText(
        TextRecord(text: "kestrel", picture: id, source: .synthetic(by: "m")), embedding: embedding)
    }
    let searcher = Searcher(store, model: fixture.model)
    let found = try searcher.search(
      PictureQuery(QueryExpression(.text("kestrel")), model: fixture.model),
      SearchOptions(count: 12, rerankDepth: 0, collapsesAlike: false))
    #expect(found[0].path == "3.png" && found[0].evidence == [.caption])
    let other = try #require(found.first { $0.path == "5.png" })
    #expect(other.evidence == [.generatedCaption] && other.generatedCaptions == ["kestrel"])
    #expect(found[0].generatedCaptions.isEmpty && found[0].captions.count == 1)
  }

  @Test("a calibrated model orders by the probability that words are a part of")
  func calibrated() throws {
    var random = SplitMix64(seed: 3)
    let weights = try #require(
      WordCalibration.Weights(
        scale: 0.6, score: 0.2, coverage: 3, rarest: 2, caption: 9, bias: -5))
    let logistic = try #require(HitCalibration.Logistic(match: 0.1, cosine: 20, bias: -7))
    let kind = HitCalibration.Kind(
      reranked: logistic, unreranked: logistic,
      words: WordCalibration(reranked: weights, unreranked: weights))
    let ranking = HitRanking(calibration: kind, itcWeight: 1)
    func number(_ range: ClosedRange<Double> = 0...1) -> Float { Float(random.uniform(in: range)) }
    let ranks = (0..<500).map { _ in
      ranking.rank(
        cosine: Double(number(-0.2...0.5)),
        match: random.coin() ? MatchLogits(noMatch: number(), match: number(-9...9)) : nil,
        words: random.coin()
          ? WordCalibration.Scores(
            score: number(0...20), coverage: number(), rarest: number(),
            caption: random.coin() ? number() : nil) : nil)
    }.sorted()
    #expect(
      zip(ranks, ranks.dropFirst()).allSatisfy { ($0.probability ?? 2) <= ($1.probability ?? -1) })
    // Each word makes a hit likelier.
    let scores = WordCalibration.Scores(score: 3, coverage: 0.5, rarest: 0.5, caption: nil)
    let none = WordCalibration.Scores(score: 0, coverage: 0, rarest: 0, caption: nil)
    #expect(
      ranking.rank(cosine: 0.1, match: nil, words: none)
        < ranking.rank(cosine: 0.1, match: nil, words: scores))
    #expect(
      ranking.rank(cosine: 0.1, match: nil, words: none).score
        == ranking.rank(cosine: 0.1, match: nil).score)
  }
}
