internal import Captions
internal import Images

/// A picture and one of its captions.
struct TrainingPair: Sendable, Equatable {
  /// Which picture of the set.
  let picture: Int
  /// Which of its captions.
  let caption: Int
}

/// Which pairs an epoch shows, in which batches: every caption once (of a label's captions one,
/// drawn), shuffled. No batch holds two pictures of one group, which would be each other's wrong
/// answers; a pair that does not fit waits for the next batch. As BLIP does, what does not fill a
/// batch at the end is left out.
struct EpochPlan {
  let batches: [[TrainingPair]]

  /// - Parameters:
  ///   - pictures: The pictures of the set to show.
  ///   - batch: Pairs in a batch; fewer where there are not so many groups.
  init(_ set: TrainingSet, pictures: [Int], batch: Int, seed: UInt64, epoch: Int) {
    var draws = SeededDraws(seed, 0xE90C, UInt64(epoch))
    var pairs: [TrainingPair] = []
    for picture in pictures {
      let captions = set.texts[picture].count
      if set.pictures[picture].label != nil {
        pairs.append(TrainingPair(picture: picture, caption: draws.below(captions)))
      } else {
        pairs += (0..<captions).map { TrainingPair(picture: picture, caption: $0) }
      }
    }
    let size = min(batch, Set(pictures.map { set.groups[$0] }).count)
    var batches: [[TrainingPair]] = []
    var waiting: [TrainingPair] = []
    var rest = draws.shuffled(pairs)[...]
    while true {
      var current: [TrainingPair] = []
      var groups: Set<Int> = []
      func fits(_ pair: TrainingPair) -> Bool {
        current.count < size && groups.insert(set.groups[pair.picture]).inserted
      }
      var stillWaiting: [TrainingPair] = []
      for pair in waiting {
        if fits(pair) { current.append(pair) } else { stillWaiting.append(pair) }
      }
      while current.count < size, let pair = rest.popFirst() {
        if fits(pair) { current.append(pair) } else { stillWaiting.append(pair) }
      }
      guard current.count == size else { break }
      batches.append(current)
      waiting = stillWaiting
    }
    self.batches = batches
  }
}
