import Random
internal import Captions
internal import Images

/// A picture and one of its captions.
struct TrainingPair: Sendable, Equatable {
  /// The picture's index in the set.
  let picture: Int
  /// The caption's index.
  let caption: Int
}

/// The pairs of an epoch in batches: every caption once (of a label's captions one, drawn at random),
/// shuffled. No batch has two pictures of one group, which would be each other's negatives; a pair
/// that does not fit waits for the next batch. As in BLIP, an incomplete last batch is dropped.
struct EpochPlan {
  let batches: [[TrainingPair]]

  /// - Parameters:
  ///   - pictures: The pictures of the set to use.
  ///   - batch: Pairs in a batch; fewer if there are fewer groups.
  init(_ set: TrainingSet, pictures: [Int], batch: Int, seed: UInt64, epoch: Int) {
    var draws = SplitMix64(key: seed, 0xE90C, UInt64(epoch))
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
