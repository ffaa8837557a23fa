import Testing

@testable import Retrieval

@Suite("The pace of reranking")
struct RerankBudgetTests {
  private let start = ContinuousClock.now

  /// The depth come to where the first candidate takes `first` milliseconds and the others `each`.
  private func depth(_ milliseconds: Int, first: Int, each: Int, most: Int = 1000) -> Int {
    var pace = RerankBudget(most: most, deadline: start + .milliseconds(milliseconds))
    var (now, done) = (start, 0)
    while let part = pace.next(now: now) {
      #expect(part.lowerBound == done)
      for place in part { now += .milliseconds(place == 0 ? first : each) }
      done = part.upperBound
    }
    if done > 1 { #expect(now <= start + .milliseconds(milliseconds)) }
    return done
  }

  @Test("reranks as many as the time allows, but at least the first batch")
  func budget() {
    #expect((25...30).contains(depth(300, first: 10, each: 10)))
    #expect((10...27).contains(depth(300, first: 40, each: 10)))
    #expect(depth(300, first: 290, each: 10) == 1 && depth(300, first: 4000, each: 10) == 1)
    #expect(depth(300, first: 1, each: 1, most: 20) == 20)
    #expect(
      depth(300, first: 0, each: 0, most: 256) == 256 && depth(5, first: 1, each: 1, most: 0) == 0)
  }

  @Test("takes all at once without a time limit") func endless() {
    var pace = RerankBudget(most: 70, deadline: nil)
    #expect(pace.next() == 0..<70 && pace.next() == nil)
  }
}
