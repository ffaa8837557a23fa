internal import BLIP
internal import Captions
internal import Checkpoints
internal import RankingMetrics
internal import Retrieval
internal import Store
internal import Tensors

/// Fits what the words that an index knows of pictures add to the probability that a hit is right.
///
/// One caption of each picture is held out: it, and a phrase out of it, are queries. One of the others is what
/// is known of the picture in words. Right are the query's own picture and those of which another caption has
/// all its words. Fitted on every second picture's queries, measured on the others'; how often captions find
/// their picture is measured with all the others known.
struct WordCalibrator: Sendable {
  private let set: CaptionedSet
  private let searcher: Searcher
  private let calibration: HitCalibration

  /// Pictures of which a caption is held out: more make no better weights.
  private static let mostPictures = 1000
  /// Fewer pictures with several captions say too little.
  static let fewestPictures = 50
  /// Candidates of a query that go through ITM.
  private static let depth = 16

  /// Nil if too few pictures of the set have more than one caption to tell what captions are worth.
  /// - Parameters:
  ///   - searcher: Of an index that contains the set's pictures.
  ///   - calibration: What is known of hits without words.
  init?(_ set: CaptionedSet, _ searcher: Searcher, _ calibration: HitCalibration) {
    guard set.pictures.count(where: { $0.captions.count > 1 }) >= Self.fewestPictures else {
      return nil
    }
    (self.set, self.searcher, self.calibration) = (set, searcher, calibration)
  }

  /// The weights and how good they are; nil if `shouldStop` ended it.
  /// - Parameter report: Called with the number of queries that are done, and of all.
  func run(
    shouldStop: @escaping @Sendable () -> Bool, report: (Int, Int) -> Void
  ) async throws -> WordCalibrationReport? {
    // There are many queries: each thread takes some of them.
    setComputeThreads(1)
    defer { setComputeThreads(processors) }
    let encoded = try await EncodedSet(
      set, in: searcher.store, model: searcher.model, shouldStop: shouldStop, report: { _ in })
    guard let encoded else { return nil }
    let heldOut = HeldOutCaptions(set, most: Self.mostPictures)
    let queries = try heldOut.queries(encoded, searcher.model)
    let own = try WordCandidates(set, encoded, without: heldOut, own: .one)
    let all = try WordCandidates(set, encoded, without: heldOut, own: .all)
    var answers: [WordAnswer] = []
    for query in queries {
      if shouldStop() { return nil }
      answers.append(try own.answer(to: query))
    }
    let count = answers.count
    let isFitted = { (answer: WordAnswer) in answer.query.number.isMultiple(of: 2) }
    let byCosine = [calibration.sentences, calibration.phrases].enumerated().map { index, kind in
      WordRegression(kind).weights(
        answers.filter { $0.query.isPhrase == (index == 1) && isFitted($0) }, isReranked: false)
    }
    for query in queries where query.isCaption && !query.number.isMultiple(of: 2) {
      if shouldStop() { return nil }
      answers.append(try all.answer(to: query))
    }
    guard
      let reranked = try await reranked(
        answers, by: byCosine, encoded, shouldStop: shouldStop, report: report)
    else { return nil }
    return WordCalibrationReport(
      calibration, byCosine: byCosine, fitted: reranked.prefix(count).filter(isFitted),
      measured: reranked.prefix(count).filter { !isFitted($0) },
      ofManyCaptions: Array(reranked.dropFirst(count)))
  }

  /// The answers with the match logits of their best candidates, in the same order; nil if it was stopped.
  private func reranked(
    _ answers: [WordAnswer], by weights: [WordCalibration.Weights?], _ encoded: EncodedSet,
    shouldStop: @escaping @Sendable () -> Bool, report: (Int, Int) -> Void
  ) async throws -> [WordAnswer]? {
    let kinds = [calibration.sentences, calibration.phrases]
    var results = answers
    var done = 0
    let isWhole = try await concurrentMap(
      Array(answers.indices), inFlight: processors + 1, shouldStop: shouldStop,
      work: { [searcher] index in
        var answer = answers[index]
        let kind = answer.query.isPhrase ? 1 : 0
        answer.sort { WordRegression(kinds[kind]).logOdds($0, weights[kind], isReranked: false) }
        let best = answer.hits.prefix(Self.depth).map { encoded.ids[$0.picture] }
        let logits = try searcher.match(answer.query.tokens, pictures: best)
        for (place, match) in logits.enumerated() { answer.hits[place].match = match }
        return (index, answer)
      },
      take: { (index, answer) in
        results[index] = answer
        done += 1
        report(done, answers.count)
      })
    return isWhole ? results : nil
  }
}
