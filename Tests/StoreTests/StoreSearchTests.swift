import Store
import StoreTestSupport
import Testing
import VectorIndex

@Suite struct NearestOfAStore {
  private typealias Fixture = StoreFixture

  @Test func areThoseOfAFullSort() throws {
    let fixture = try Fixture(features: .none)
    let embeddings = (0..<300).map { Fixture.embedding($0 % 250) }
    try fixture.store.write { change in
      for (index, embedding) in embeddings.enumerated() {
        try change.put(Fixture.record("\(index)"), embedding: embedding, features: nil)
      }
      try change.setTexts(embeddings.map { ("text", $0) }, of: nil)
    }
    let query = Fixture.embedding(1000)
    let scored = embeddings.enumerated().map { index, embedding in
      (id: UInt64(index + 1), score: zip(query, embedding).reduce(0.0) { $0 + Double($1.0 * $1.1) })
    }
    try fixture.store.read { snapshot in
      for count in [0, 1, 10, 300, 1000] {
        let expected = scored.sorted { ($0.score, $1.id) > ($1.score, $0.id) }.prefix(count)
        for found in [
          try snapshot.nearestPictures(to: query, count: count),
          try snapshot.nearestTexts(to: query, count: count),
        ] {
          #expect(found.map(\.id) == expected.map(\.id))
          #expect(zip(found, expected).allSatisfy { abs($0.score - $1.score) < 1e-6 })
        }
      }
      let few = try snapshot.nearestPictures(to: query, count: 5, among: [100, 200, 300, 400])
      #expect(Set(few.map(\.id)) == [100, 200, 300])
    }
  }

  @Test func areNoneInAnEmptyIndex() throws {
    let fixture = try Fixture()
    let found = try fixture.store.read {
      try $0.nearestPictures(to: Fixture.embedding(1), count: 10)
    }
    #expect(found.isEmpty)
  }

  @Test(arguments: [[], [1], Array(repeating: Float.nan, count: 8)] as [[Float]])
  func areRefusedForAQueryOfAnotherModel(_ query: [Float]) throws {
    let fixture = try Fixture()
    #expect(throws: RetrievalError.self) {
      try fixture.store.read { _ = try $0.nearestTexts(to: query, count: 10) }
    }
  }
}
