import Checkpoints
import Foundation
import Metrics
import Retrieval

/// Weights fitted on answers, and what is measured with them.
struct Fitting {
  let model: HitCalibration.Kind

  private func base(_ hit: Quality.Candidate, isReranked: Bool) -> Double {
    model.logOdds(
      match: isReranked ? hit.match.map { Float($0) } : nil, cosine: Float(hit.corrected))
  }

  /// The weights of reranked hits, or of all by their cosine.
  func weights(_ answers: [Quality.Answer], isReranked: Bool) -> WordCalibration.Weights? {
    let samples = answers.flatMap(\.candidates).compactMap { hit -> LabelledFeatures? in
      guard let words = hit.words, let caption = words.caption, !isReranked || hit.match != nil
      else { return nil }
      return LabelledFeatures(
        [
          base(hit, isReranked: isReranked), Double(words.score), Double(words.coverage),
          Double(words.rarest), Double(caption),
        ], isMatch: hit.isRight)
    }
    guard let fitted = LogisticRegression(fitting: samples) else { return nil }
    let w = fitted.weights.map { Float($0) }
    return WordCalibration.Weights(
      scale: w[0], score: w[1], coverage: w[2], rarest: w[3], caption: w[4],
      bias: Float(fitted.bias))
  }

  /// The log-odds of a hit with words, as a search has them.
  func logOdds(_ hit: Quality.Candidate, _ words: WordCalibration?, isReranked: Bool) -> Double {
    let reranked = isReranked && hit.match != nil
    let base = base(hit, isReranked: reranked)
    guard let words, let scores = hit.words else { return base }
    return (reranked ? words.reranked : words.unreranked).logOdds(base, scores)
  }

  /// The rank of each query's picture among the candidates.
  func ranks(_ answers: [Quality.Answer], _ words: WordCalibration?, isReranked: Bool) -> [Int?] {
    answers.map { answer in
      let order = answer.candidates.map {
        (isOwn: $0.isOwn, score: logOdds($0, words, isReranked: isReranked))
      }.sorted { $0.score > $1.score }
      return order.firstIndex { $0.isOwn }
    }
  }

  /// The share of ranks among the first so many, in percent.
  static func recall(_ ranks: [Int?]) -> [Double] {
    [1, 5, 10].map { k in
      100 * Double(ranks.count { $0.map { $0 < k } ?? false }) / Double(ranks.count)
    }
  }

  /// The expected calibration error of the first ten hits, in ten bins of equal width, in percent.
  func calibrationError(
    _ answers: [Quality.Answer], _ words: WordCalibration?, isReranked: Bool
  ) -> Double {
    var bins = Array(repeating: (count: 0, probability: 0.0, right: 0), count: 10)
    var total = 0
    for answer in answers {
      let hits = answer.candidates.map {
        (hit: $0, score: logOdds($0, words, isReranked: isReranked))
      }.sorted { $0.score > $1.score }.prefix(10)
      for (hit, score) in hits {
        let p = 1 / (1 + exp(-score))
        let bin = min(Int(p * 10), 9)
        bins[bin].count += 1
        bins[bin].probability += p
        bins[bin].right += hit.isRight ? 1 : 0
        total += 1
      }
    }
    return bins.reduce(0) { $0 + abs($1.probability - Double($1.right)) } / Double(total) * 100
  }
}

extension Quality {
  struct Report: Encodable {
    let queries: Int
    /// R@1, R@5 and R@10 of captions as queries, measured on every second picture.
    let recall: [String: [Double]]
    /// Of captions and of phrases, the first ten hits, in percent.
    let calibrationError: [String: Double]
    /// The weights, for `blip.calibration.sentences.words` and `.phrases.words` of `config.json`.
    let sentences, phrases: String
  }

  func run() async throws -> Report {
    let (all, calibration, first) = try await answersByCosine()
    let sentences = Fitting(model: calibration.sentences)
    let phrases = Fitting(model: calibration.phrases)
    let byCosine = (
      try weights(sentences, first.filter { !$0.isPhrase }, isReranked: false),
      try weights(phrases, first.filter(\.isPhrase), isReranked: false)
    )
    // Which hits are reranked depends on the weights of those that are not.
    let searcher = try Searcher(
      index: "\(folder)/index",
      modelPath: model(
        sentences: WordCalibration(reranked: byCosine.0, unreranked: byCosine.0),
        phrases: WordCalibration(reranked: byCosine.1, unreranked: byCosine.1)))
    note("reranked")
    let second = try await answers(all, depth: 16, searcher)
    let fitted = second.filter(\.isFitted)
    let forSentences = WordCalibration(
      reranked: try weights(sentences, fitted.filter { !$0.isPhrase }, isReranked: true),
      unreranked: byCosine.0)
    let forPhrases = WordCalibration(
      reranked: try weights(phrases, fitted.filter(\.isPhrase), isReranked: true),
      unreranked: byCosine.1)
    _ = try model(sentences: forSentences, phrases: forPhrases)
    let captions = second.filter { !$0.isFitted && !$0.isPhrase }
    let short = second.filter { !$0.isFitted && $0.isPhrase }
    return Report(
      queries: captions.count,
      recall: [
        "ITC": Fitting.recall(captions.map(\.byCosine)),
        "ITM": Fitting.recall(captions.map(\.byITM)),
        "BM25F": Fitting.recall(captions.map(\.byWords)),
        "ITC and words": Fitting.recall(
          sentences.ranks(captions, forSentences, isReranked: false)),
        "ITM and words": Fitting.recall(sentences.ranks(captions, forSentences, isReranked: true)),
      ],
      calibrationError: [
        "captions, ITC": sentences.calibrationError(captions, forSentences, isReranked: false),
        "captions, ITM": sentences.calibrationError(captions, forSentences, isReranked: true),
        "phrases, ITC": phrases.calibrationError(short, forPhrases, isReranked: false),
        "phrases, ITM": phrases.calibrationError(short, forPhrases, isReranked: true),
      ], sentences: forSentences.text, phrases: forPhrases.text)
  }

  /// The first pass, which closes the index when it ends.
  private func answersByCosine() async throws -> ([Query], HitCalibration, [Answer]) {
    let (searcher, records) = try await index()
    let all = try queries(records, searcher)
    guard let calibration = searcher.model.folder.configuration.calibration else {
      throw RetrievalError("\(modelPath): the model is not calibrated")
    }
    note("by cosine")
    return (all, calibration, try await answers(all, depth: 0, searcher).filter(\.isFitted))
  }

  private func weights(_ fitting: Fitting, _ answers: [Answer], isReranked: Bool) throws
    -> WordCalibration.Weights
  {
    guard let weights = fitting.weights(answers, isReranked: isReranked) else {
      throw RetrievalError("no weights make the answers likelier")
    }
    return weights
  }

  /// A copy of the model with these weights in its configuration.
  private func model(sentences: WordCalibration, phrases: WordCalibration) throws -> String {
    let copy = "\(folder)/model"
    try? FileManager.default.removeItem(atPath: copy)
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: modelPath) {
      let source = URL(fileURLWithPath: modelPath).appendingPathComponent(name).path
      // The weights go into the one file that is a copy.
      if name == "config.json" {
        try FileManager.default.copyItem(atPath: source, toPath: "\(copy)/\(name)")
      } else {
        try FileManager.default.createSymbolicLink(
          atPath: "\(copy)/\(name)", withDestinationPath: source)
      }
    }
    guard let old = try ModelFolder(path: modelPath).configuration.calibration else {
      throw RetrievalError("\(modelPath): the model is not calibrated")
    }
    try ModelFolder.setCalibration(
      HitCalibration(
        sentences: old.sentences.with(words: sentences), phrases: old.phrases.with(words: phrases),
        texts: old.texts, isHubCorrected: old.isHubCorrected), of: copy)
    return copy
  }
}

extension Quality.Answer {
  /// Whether weights are fitted on it.
  var isFitted: Bool { picture.isMultiple(of: 2) }
}
