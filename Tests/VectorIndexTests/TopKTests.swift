import TestSupport
import Testing
import VectorIndex

@Suite struct TheBestK {
  @Test(arguments: [0, 1, 2, 7, 100, 999, 1000, 1001, 5000])
  func areThoseOfAFullSort(_ count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    // Few scores, so that there are many ties; ids in no order.
    let neighbors = (0..<UInt64(1000)).shuffled(using: &random).map {
      Neighbor(id: $0, score: Double(Int.random(in: -20...20, using: &random)))
    }
    var best = TopK(capacity: count)
    for neighbor in neighbors { best.insert(neighbor) }
    let expected = neighbors.sorted { ($0.score, $1.id) > ($1.score, $0.id) }.prefix(count)
    #expect(best.sorted() == Array(expected))
    #expect(best.count == min(count, 1000))
  }

  @Test func anAnswerDoesNotDependOnTheOrder() {
    var random = SplitMix64(seed: 3)
    let neighbors = (0..<UInt64(50)).map { Neighbor(id: $0, score: Double($0 % 3)) }
    let answers = (0..<20).map { _ in
      var best = TopK(capacity: 10)
      for neighbor in neighbors.shuffled(using: &random) { best.insert(neighbor) }
      return best.sorted()
    }
    #expect(Set(answers).count == 1)
  }

  @Test func infinitiesAreOrderedAndHugeCapacitiesTakeNoMemory() {
    var best = TopK(capacity: .max)
    for (id, score) in [Double.infinity, 0, -Double.infinity].enumerated() {
      best.insert(Neighbor(id: UInt64(id), score: score))
    }
    #expect(best.sorted().map(\.id) == [0, 1, 2])
  }

  @Test func aScoreThatIsNotANumberIsRefused() async {
    await #expect(processExitsWith: .failure) {
      var best = TopK(capacity: 1)
      best.insert(Neighbor(id: 0, score: .nan))
    }
  }
}
