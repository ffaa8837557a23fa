package import BLIP
package import Captions
internal import Checkpoints
internal import Files
package import Images
internal import RankingMetrics
public import Retrieval
package import Store
internal import Tensors

/// Progress of an evaluation.
public enum EvaluationEvent: Sendable {
  /// The set's pictures are being indexed.
  case indexing(IndexingEvent)
  /// Number of texts embedded so far, of those without an embedding in the index.
  case texts(Int, of: Int)
  /// Scoring begins: number of pairs, and of those that earlier runs have scored.
  case begun(pairs: Int, scoredBefore: Int)
  /// Number of pairs scored so far, of those that were not.
  case pairs(Int, of: Int)
  /// Queries are being timed at every depth.
  case timing
  /// The evaluation has ended; always the last event.
  case finished(RetrievalReport)
}

/// BLIP's retrieval evaluation (train_retrieval.py, `evaluation` and `itm_eval`) at several rerank depths
/// in one pass.
///
/// ITC compares all texts with all pictures; for each query the best `depth` are ordered by match logit +
/// weight × cosine or, unless a weight is given, as a search orders them; before all others. A pair that
/// several depths or both directions need is scored once; pairs are scored picture by picture, so that the
/// keys and values of a picture's cross-attention serve all its texts.
public struct RetrievalEvaluation: Sendable {
  private let set: CaptionedSet
  private let store: IndexStore
  private let model: BLIPModel
  private let depths: [Int]
  private let itcWeight: Float?
  private let work: WorkFolder
  private let decoder: any PictureDecoder

  /// Number of texts that are scored with a picture in one task.
  private static let textsAtOnce = 512

  /// - Parameters:
  ///   - index: An index by this model that contains the set's pictures. Patch features come from it or, if
  ///     it stores none, are computed from the pictures.
  ///   - depths: BLIP's k_test, several of them; 0 is ITC alone.
  ///   - itcWeight: The weight of the cosine relative to the match logit: 1 in BLIP's own evaluation. Nil:
  ///     candidates are found and ordered as by a search in this index.
  ///   - work: Keeps the scores for the next run.
  package init(
    of set: CaptionedSet, in index: IndexStore, model: BLIPModel, depths: [Int], itcWeight: Float?,
    work: WorkFolder, decoder: any PictureDecoder = ImageDecoder()
  ) {
    precondition(!depths.isEmpty && depths.allSatisfy { $0 >= 0 }, "no depths, or a negative one")
    (self.set, store, self.model, self.itcWeight) = (set, index, model, itcWeight)
    self.depths = Set(depths).sorted()
    self.work = work
    self.decoder = decoder
  }

  /// The report; nil if `shouldStop` ended it: the scores so far are kept in the work directory.
  package func run(
    shouldStop: @escaping @Sendable () -> Bool, report: (EvaluationEvent) -> Void
  ) async throws -> RetrievalReport? {
    let start = ContinuousClock.now
    // There are many pictures, texts and queries: each thread takes some of them.
    setComputeThreads(1)
    defer { setComputeThreads(processors) }
    guard
      let encoded = try await EncodedSet(
        set, in: store, model: model, shouldStop: shouldStop, report: report),
      var pairs = try await shortlists(of: encoded, shouldStop: shouldStop)
    else { return nil }
    guard
      let scored = try await score(&pairs, of: encoded, shouldStop: shouldStop, report: report)
    else { return nil }
    setComputeThreads(processors)
    let rankings = self.rankings(encoded)
    report(.timing)
    let milliseconds = try QueryCost(model: model, of: encoded) {
      try features(of: $0, in: encoded)
    }
    .milliseconds(of: depths, shouldStop: shouldStop)
    return RetrievalReport(
      set: set,
      model: IndexedModel(
        name: model.folder.name, path: model.folder.path, fingerprint: model.folder.fingerprint),
      precision: model.precision,
      depths: depths.map { depth in
        RetrievalReport.Depth(
          depth: depth, metrics: metrics(of: pairs, depth: depth, by: rankings),
          milliseconds: milliseconds[depth], pairs: pairs.count(depth: depth))
      },
      itcWeight: rankings.pictures[0].calibration == nil ? rankings.pictures[0].itcWeight : nil,
      isHubCorrected: hubness(of: encoded) != nil, scored: scored.now, scoredBefore: scored.before,
      scoringSeconds: scored.seconds,
      seconds: (ContinuousClock.now - start) / .seconds(1),
      matching: MatchAnalysis(
        of: pairs, by: rankings.pictures,
        usualDepth: model.folder.configuration.rerankDepth ?? 32),
      failures: failures(of: pairs, encoded, by: rankings.pictures))
  }

  /// What orders the pictures of each text, and texts.
  private typealias Rankings = (pictures: [HitRanking], texts: HitRanking)

  private func rankings(_ encoded: EncodedSet) -> Rankings {
    let configuration = model.folder.configuration
    if let itcWeight {
      let ranking = HitRanking(calibration: nil, itcWeight: itcWeight)
      return (encoded.owner.map { _ in ranking }, ranking)
    }
    let captions = set.pictures.flatMap(\.captions)
    return (
      captions.map {
        .pictures(
          configuration, isPhrase: TextQuery.isPhrase($0), isHubCorrected: encoded.hubness != nil)
      }, .texts(configuration)
    )
  }

  private func hubness(of encoded: EncodedSet) -> [Float]? {
    itcWeight == nil ? encoded.hubness : nil
  }

  private func shortlists(
    of encoded: EncodedSet, shouldStop: @escaping @Sendable () -> Bool
  ) async throws -> MatchPairs? {
    let depth = depths.last ?? 0
    let byText = try await Shortlists(
      of: encoded.texts, among: encoded.pictures, hubness: hubness(of: encoded), depth: depth,
      answers: encoded.owner.map { $0..<$0 + 1 }, shouldStop: shouldStop)
    let byPicture = try await Shortlists(
      of: encoded.pictures, among: encoded.texts, depth: depth, answers: encoded.textsOfPicture,
      shouldStop: shouldStop)
    guard let byText, let byPicture else { return nil }
    return MatchPairs(
      byText: byText, byPicture: byPicture, texts: encoded.textsOfPicture, owner: encoded.owner)
  }

  /// Scores the pairs that are not scored yet. Returns the number of pairs scored now and before, and the
  /// time; nil if it was stopped.
  private func score(
    _ pairs: inout MatchPairs, of encoded: EncodedSet,
    shouldStop: @escaping @Sendable () -> Bool, report: (EvaluationEvent) -> Void
  ) async throws -> (now: Int, before: Int, seconds: Double)? {
    guard depths.last ?? 0 > 0 else { return (0, 0, 0) }
    let (path, key) = work.journal(
      set, with: model, features: store.metadata.features)
    let journal = try PairJournal(
      path, key: key, pictures: encoded.pictures.count, texts: encoded.texts.count
    ) { picture, scored in
      for pair in scored { pairs.set(pair.logits, picture: picture, text: pair.text) }
    }
    var jobs: [Job] = []
    var (total, wanted) = (0, 0)
    for picture in encoded.pictures.indices {
      wanted += pairs.wanted(picture).count
      let missing = pairs.missing(picture)
      total += missing.count
      for start in stride(from: 0, to: missing.count, by: Self.textsAtOnce) {
        let texts = missing[start..<min(start + Self.textsAtOnce, missing.count)]
        jobs.append(Job(picture: picture, texts: texts.map(UInt32.init)))
      }
    }
    report(.begun(pairs: wanted, scoredBefore: wanted - total))
    let start = ContinuousClock.now
    var done = 0
    let isWhole = try await concurrentMap(
      jobs, inFlight: processors + 1, shouldStop: shouldStop,
      work: { job in
        let tokens = job.texts.map { encoded.tokens[Int($0)] }
        let logits = try model.match(
          texts: tokens, features: try features(of: job.picture, in: encoded))
        return (
          job.picture, zip(job.texts, logits).map { PairJournal.Pair(text: Int($0), logits: $1) }
        )
      },
      take: { (picture, scored) in
        try journal.append(scored, of: picture)
        for pair in scored { pairs.set(pair.logits, picture: picture, text: pair.text) }
        done += scored.count
        report(.pairs(done, of: total))
      })
    guard isWhole else { return nil }
    return (total, wanted - total, (ContinuousClock.now - start) / .seconds(1))
  }

  /// Texts to score with a picture.
  private struct Job: Sendable {
    let picture: Int
    let texts: [UInt32]
  }

  /// Patch features from the index or, if it stores none, computed from the picture's file.
  private func features(of picture: Int, in encoded: EncodedSet) throws -> Matrix {
    let stored = try store.read { try $0.features(picture: encoded.ids[picture]) }
    if let stored { return stored }
    let file = joined(set.root, set.pictures[picture].path)
    return try model.encode(
      decoder.picture(at: file, forSide: model.folder.preprocessing.imageSize)
    ).features
  }

  private func metrics(
    of pairs: MatchPairs, depth: Int, by rankings: Rankings
  ) -> RetrievalMetrics {
    RetrievalMetrics(
      ofPictures: pairs.texts.indices.map {
        pairs.byPicture.rank($0, depth: depth, by: rankings.texts, answers: pairs.texts[$0])
      },
      ofTexts: pairs.owner.indices.map { text in
        let owner = pairs.owner[text]
        return pairs.byText.rank(
          text, depth: depth, by: rankings.pictures[text], answers: owner..<owner + 1)
      })
  }

  /// The texts whose own picture is behind another one by most at the greatest depth; one per picture.
  private func failures(
    of pairs: MatchPairs, _ encoded: EncodedSet, by rankings: [HitRanking]
  ) -> [RetrievalReport.Failure] {
    let hubness = self.hubness(of: encoded)
    guard let depth = depths.last, depth > 0 else { return [] }
    var worst: [(lead: Float, failure: RetrievalReport.Failure)] = []
    for (picture, texts) in pairs.texts.enumerated() {
      let failures = texts.compactMap { text -> (lead: Float, failure: RetrievalReport.Failure)? in
        func score(_ other: Int, _ logits: MatchLogits) -> Float {
          let cosine = dot(encoded.texts[text], encoded.pictures[other])
          return Shortlists.score(
            by: rankings[text], cosine: cosine - (hubness?[other] ?? 0), logits)
        }
        let listed = pairs.byText.list(text).enumerated().map {
          (other: Int($1), logits: pairs.byText[text, $0]!)
        }
        let first = listed.max { score($0.other, $0.logits) < score($1.other, $1.logits) }
        guard let first, first.other != picture, let own = pairs.own[text] else { return nil }
        return (
          lead: score(first.other, first.logits) - score(picture, own),
          RetrievalReport.Failure(
            text: text, picture: picture, found: first.other,
            rank: 1
              + pairs.byText.rank(
                text, depth: depth, by: rankings[text], answers: picture..<picture + 1),
            own: own, first: first.logits)
        )
      }
      if let most = failures.max(by: { $0.lead < $1.lead }) { worst.append(most) }
    }
    return worst.sorted { $0.lead > $1.lead }.prefix(RetrievalReport.failuresKept).map(\.failure)
  }
}
