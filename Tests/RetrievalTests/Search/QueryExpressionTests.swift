import BLIP
import Images
import Store
import Tensors
import TestSupport
import Testing

@testable import Retrieval

@Suite("A query of several terms")
struct QueryExpressionTests {
  private typealias Term = QueryExpression.Term

  private func parse(_ arguments: [String]) throws -> QueryExpression {
    try QueryExpression(arguments: arguments) {
      $0.hasSuffix(".jpg") || $0 == "-" ? PictureSource($0) : nil
    }
  }

  @Test("is terms with + and - between them, and weights")
  func terms() throws {
    let cases: [([String], [Term])] = [
      (["a beach", "+", "at night"], [.init(.text("a beach")), .init(.text("at night"))]),
      (
        ["1.5*a dog", "-", "2*people", "+", ".5*./p.jpg"],
        [
          .init(.text("a dog"), weight: 1.5), .init(.text("people"), weight: -2),
          .init(.picture("./p.jpg"), weight: 0.5),
        ]
      ),
      (["+", "a dog"], [.init(.text("a dog"))]),
      (["-", "people", "+", "a"], [.init(.text("people"), weight: -1), .init(.text("a"))]),
      // A dash alone may be a picture; between terms it is a sign.
      (["-"], [.init(.picture("-"))]),
      // A * that no number precedes belongs to the text.
      (["a", "+", "x*y"], [.init(.text("a")), .init(.text("x*y"))]),
      (["a", "+", "1*2*4"], [.init(.text("a")), .init(.text("2*4"))]),
    ]
    for (arguments, terms) in cases { #expect(try parse(arguments).terms == terms) }
  }

  @Test(
    "of one argument is that text or picture, whatever it contains",
    arguments: ["a + b", "a - b", "2*a dog", "-people", "+dog", "a"])
  func single(text: String) throws {
    #expect(try parse([text]).terms == [.init(.text(text))])
  }

  @Test("of one line is divided at signs with spaces around them, but not in quotes")
  func lines() throws {
    let cases: [(String, [Term])] = [
      ("a beach", [.init(.text("a beach"))]), ("  a-b +c ", [.init(.text("a-b +c"))]),
      (
        "a beach + 1.5*at night - people",
        [
          .init(.text("a beach")), .init(.text("at night"), weight: 1.5),
          .init(.text("people"), weight: -1),
        ]
      ),
      ("- people + \"a + b\"", [.init(.text("people"), weight: -1), .init(.text("a + b"))]),
    ]
    for (line, terms) in cases {
      #expect(try QueryExpression.terms(of: line) == terms)
    }
    for line in ["a +", "+ - a", "a + \"\"", ""] {
      #expect(throws: (any Error).self) {
        try QueryExpression(QueryExpression.terms(of: line))
      }
    }
  }

  @Test(
    "that does not parse names the argument and its position",
    arguments: [
      (["two", "words"], "'words' (argument 2)"), (["a", "+"], "'+' (argument 2)"),
      (["+"], "'+' (argument 1)"), (["a", "+", "-", "b"], "'-' (argument 3)"),
      (["a", "-b"], "'-b' (argument 2)"), (["a", "+b"], "write + b"),
      (["a", "+", "0*b"], "'0*b' (argument 3)"), (["a", "+", "101*b"], "'101*b' (argument 3)"),
      (["a", "+", "2*"], "'2*' (argument 3)"), (["a", "+", " "], "' ' (argument 3)"),
      (["-", "a"], "be like"), (["-", "a", "-", "b"], "be like"),
      (Array(repeating: "a", count: 33).flatMap { ["+", $0] }, "33 terms"),
    ])
  func refused(arguments: [String], mentions: String) {
    let error = #expect(throws: RetrievalError.self) { try parse(arguments) }
    #expect(error?.code == .invalidQuery)
    #expect(error?.description.contains(mentions) == true, "\(error?.description ?? "")")
  }

  @Test(
    "has no weight that is no number, none, or too great",
    arguments: [0, Float.nan, 101, -Float.infinity])
  func weights(weight: Float) {
    #expect(throws: RetrievalError.self) {
      try QueryExpression([.init(.text("a")), .init(.text("b"), weight: weight)])
    }
  }

  @Test("reads as it is written")
  func description() throws {
    let text = "a beach + 1.5*at night - people"
    #expect("\(try parse(["a beach", "+", "1.5*at night", "-", "people"]))" == text)
  }
}

@Suite("Searching by several terms", .ownsProcess)
struct ExpressionSearchTests {
  private static let count = 8
  private let fixture: IndexFixture
  private let searcher: Searcher
  private let embeddings: [String: [Float]]

  init() async throws {
    fixture = try IndexFixture(pictures: Self.count)
    try await fixture.run(features: FeaturePrecision.none)
    // Before the index is opened for good: a process opens it once.
    embeddings = try fixture.contents().mapValues(\.embedding)
    searcher = try Searcher(index: fixture.index, modelPath: nil)
  }

  private func search(
    _ terms: [QueryExpression.Term], rerankDepth: Int = 0
  ) throws -> [PictureHit] {
    try searcher.search(
      PictureQuery(QueryExpression(terms), model: searcher.model),
      SearchOptions(count: Self.count, rerankDepth: rerankDepth))
  }

  private func embedding(_ text: String) throws -> [Float] {
    try fixture.model.embed(texts: [fixture.model.tokens(of: text)])[0]
  }

  @Test("finds what is nearest to the weighted sum of the terms")
  func sum() throws {
    let picture = "\(fixture.collection.path)/3.png"
    let terms: [(QueryExpression.Term, [Float])] = [
      (.init(.text("coloured bands"), weight: 1.5), try embedding("coloured bands")),
      (.init(.text("a red ground"), weight: -0.5), try embedding("a red ground")),
      (.init(.picture(PictureSource(picture))), embeddings["3.png"]!),
    ]
    var sum = [Float](repeating: 0, count: terms[0].1.count)
    for (term, vector) in terms {
      for index in sum.indices { sum[index] += term.weight * vector[index] }
    }
    let length = dot(sum, sum).squareRoot()
    let hits = try search(terms.map(\.0))
    #expect(hits.count == Self.count)
    #expect(hits.map(\.cosine) == hits.map(\.cosine).sorted(by: >))
    for hit in hits {
      #expect(abs(hit.cosine - dot(sum, embeddings[hit.path]!) / length) < 1e-4)
    }
  }

  @Test("a single text finds the same with any weight, and as one term as ever")
  func single() throws {
    let plain = try searcher.search(
      text: "coloured bands", count: Self.count, rerankDepth: 4, minimumMatch: nil)
    for weight: Float in [1, 2.5] {
      #expect(
        try search([.init(.text("coloured bands"), weight: weight)], rerankDepth: 4) == plain)
    }
  }

  @Test("ITM judges by every text that hits should be like, and by no other")
  func judged() throws {
    func logits(_ text: String) throws -> [String: Float] {
      let hits = try search([.init(.text(text))], rerankDepth: Self.count)
      return Dictionary(
        uniqueKeysWithValues: try hits.map { ($0.path, try #require($0.matchLogit)) })
    }
    let (bands, ground) = (try logits("coloured bands"), try logits("a red ground"))
    let hits = try search(
      [
        .init(.text("coloured bands"), weight: 3), .init(.text("a red ground")),
        .init(.text("blocks of blue"), weight: -1),
      ], rerankDepth: Self.count)
    for hit in hits {
      let expected = 0.75 * bands[hit.path]! + 0.25 * ground[hit.path]!
      #expect(abs(try #require(hit.matchLogit) - expected) < 1e-3)
    }
    // Without a text that hits should be like there is nothing to judge by.
    let picture = QueryExpression.Term(.picture("\(fixture.collection.path)/3.png"))
    let unlike = try search([picture, .init(.text("a red ground"), weight: -1)])
    #expect(unlike.allSatisfy { $0.matchLogit == nil })
    #expect(throws: RetrievalError.self) { try search([picture], rerankDepth: 3) }
  }

  @Test("terms that cancel each other out are an error")
  func cancelling() {
    let error = #expect(throws: RetrievalError.self) {
      try search([.init(.text("a red ground")), .init(.text("a red ground"), weight: -1)])
    }
    #expect(error?.code == .invalidQuery)
  }

  @Test("more results than there are pictures are as many as there are")
  func many() throws {
    let hits = try searcher.search(
      text: "bands", count: .max, rerankDepth: 0, minimumMatch: nil)
    #expect(hits.count == Self.count)
  }
}
