/// Which candidates are reranked next: all at once or, where there is a deadline, as many as by what the
/// last ones took will be done by then.
struct RerankBudget {
  /// Candidates that may be reranked.
  let most: Int
  let deadline: ContinuousClock.Instant?
  private var part = 0..<0
  private var begun: ContinuousClock.Instant?

  init(most: Int, deadline: ContinuousClock.Instant?) {
    (self.most, self.deadline) = (most, deadline)
  }

  /// The next candidates, once the last ones are done; nil where there are none, or no time for them. The
  /// first is always among them, as nothing else tells what one takes.
  mutating func next(now: ContinuousClock.Instant = .now) -> Range<Int>? {
    guard part.upperBound < most else { return nil }
    var count = most
    if let deadline {
      count = 1
      if let begun {
        // The first may have had to load the weights: what follows is measured anew, part by part.
        let each = (now - begun) / part.count
        let affordable = (deadline - now) / max(each, .nanoseconds(1))
        guard affordable >= 1 else { return nil }
        count = Int(min(Double(2 * part.count), affordable))
      }
    }
    begun = now
    part = part.upperBound..<min(part.upperBound + count, most)
    return part
  }
}
