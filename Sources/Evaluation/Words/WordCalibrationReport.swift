public import Checkpoints
internal import RankingMetrics

/// What words add to the probability that a hit is right, and how good that is on queries that it was not
/// fitted on.
public struct WordCalibrationReport: Sendable {
  /// How often the picture of a held-out caption is among the first hits, 0 to 1.
  public struct Recall: Sendable {
    /// "pictures", "words" or "pictures and words".
    public let name: String
    /// Among the first, the first five and the first ten.
    public let at1, at5, at10: Double
  }

  /// How good probabilities of one kind are.
  public struct Quality: Sendable {
    /// "sentences, reranked" and so on.
    public let name: String
    /// Number of queries.
    public let queries: Int
    /// The expected calibration error of the first ten hits of each query in 15 bins (Guo et al. 2017).
    public let error: Double
  }

  /// The calibration with what was fitted; a kind for which nothing could be fitted has none of its own.
  public let calibration: HitCalibration
  /// Of captions as queries, where all others are known.
  public let recalls: [Recall]
  /// By kind of query.
  public let qualities: [Quality]

  private static let first = 10

  /// - Parameters:
  ///   - byCosine: What was fitted to hits that were not reranked: of sentences, and of phrases.
  ///   - fitted: Reranked answers to fit the others to.
  ///   - measured: Those to measure probabilities with.
  ///   - ofManyCaptions: Those to measure with how often captions find their picture.
  init(
    _ calibration: HitCalibration, byCosine: [WordCalibration.Weights?], fitted: [WordAnswer],
    measured: [WordAnswer], ofManyCaptions answers: [WordAnswer]
  ) {
    let kinds = [calibration.sentences, calibration.phrases].enumerated().map { index, kind in
      let reranked = WordRegression(kind).weights(
        fitted.filter { $0.query.isPhrase == (index == 1) }, isReranked: true)
      let words = byCosine[index].map {
        WordCalibration(reranked: reranked ?? $0, unreranked: $0)
      }
      return kind.with(words: words)
    }
    self.calibration = HitCalibration(
      sentences: kinds[0], phrases: kinds[1], texts: calibration.texts,
      isHubCorrected: calibration.isHubCorrected)
    let lists = { (answers: [WordAnswer], isReranked: Bool, usesWords: Bool) in
      answers.map { answer in
        RankedWords(
          answer, by: kinds[answer.query.isPhrase ? 1 : 0], isReranked: isReranked,
          usesWords: usesWords)
      }
    }
    recalls = [
      Recall("pictures", lists(answers, true, false).map(\.rank)),
      Recall("words", answers.map(\.rankByWords)),
      Recall("pictures and words", lists(answers, true, true).map(\.rank)),
    ]
    var qualities: [Quality] = []
    for (isPhrase, name) in [(false, "sentences"), (true, "phrases")] {
      for (isReranked, stage) in [(true, "reranked"), (false, "by cosine")] {
        let chosen = zip(measured, lists(measured, isReranked, true)).filter {
          $0.0.query.isPhrase == isPhrase
        }
        let first = chosen.flatMap { $0.1.hits.prefix(Self.first) }
        guard !first.isEmpty else { continue }
        qualities.append(
          Quality(
            name: "\(name), \(stage)", queries: chosen.count,
            error: ReliabilityDiagram(bins: MatchAnalysis.bins, first).expectedCalibrationError))
      }
    }
    self.qualities = qualities
  }
}

/// The hits of a query in their order.
private struct RankedWords {
  let hits: [(probability: Float, isMatch: Bool)]
  /// Of the query's own picture; nil where it was not found.
  let rank: Int?

  init(_ answer: WordAnswer, by kind: HitCalibration.Kind, isReranked: Bool, usesWords: Bool) {
    let regression = WordRegression(kind)
    var answer = answer
    let logOdds = { (hit: WordHit) in
      let isReranked = isReranked && hit.match != nil
      let weights = usesWords ? kind.words : nil
      return regression.logOdds(
        hit, isReranked ? weights?.reranked : weights?.unreranked, isReranked: isReranked)
    }
    answer.sort(by: logOdds)
    hits = answer.hits.map { (probability(ofLogOdds: logOdds($0)), $0.isRight) }
    rank = answer.hits.firstIndex(where: \.isOwn)
  }
}

extension WordCalibrationReport.Recall {
  fileprivate init(_ name: String, _ ranks: [Int?]) {
    func share(_ k: Int) -> Double {
      Double(ranks.count { $0.map { $0 < k } ?? false }) / Double(max(ranks.count, 1))
    }
    self.name = name
    (at1, at5, at10) = (share(1), share(5), share(10))
  }
}
