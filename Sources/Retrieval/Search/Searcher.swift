package import BLIP
import Checkpoints
internal import Files
package import Images
package import Store
import Tensors
internal import VectorIndex

/// Two-stage search over an index: candidates by ITC cosine, the best of them reranked by ITM.
package struct Searcher: Sendable {
  /// The depth for a published BLIP, whose ITM pays; BLIP's own evaluation takes 128 and more.
  static let usualRerankDepth = 32
  /// Candidates that go through ITM together; the features of the next so many are read meanwhile.
  private static let featuresAtOnce = 16
  /// The depth that a budget alone does not go beyond: BLIP's k_test on COCO.
  private static let greatestRerankDepth = 256

  /// The model that the index was made with.
  package let model: BLIPModel
  /// The index, as long as it is searched.
  package let store: IndexStore
  private let indexed: IndexMetadata
  let decoder: any PictureDecoder

  /// Opens the index. Its model is the one at `modelPath` or, without one, the folder that the
  /// index was made with, or else the default model; a model with another fingerprint than the
  /// index's is an error that names both.
  ///
  /// Queries are computed in `precision`, which for `auto` is that of the index's embeddings. Another
  /// one does no harm: with the default model on flickr8k-dev no pairing of fp32, bf16 and int8 moves
  /// R@1, R@5 or R@10 by more than 0.4 points (Benchmarks/Sources/precision).
  /// `cache` is the folder where packed weights are kept; `decoder` decodes the pictures of queries.
  package init(
    index: String, modelPath: String?, precision: Precision = .auto, cache: String? = nil,
    decoder: any PictureDecoder = ImageDecoder()
  ) throws {
    let store = try IndexStore.open(index)
    let model = try BLIPModel(
      folder: ModelLocator(index: index, metadata: store.metadata).folder(given: modelPath),
      precision: precision == .auto ? store.metadata.precision : precision, cache: cache)
    self.init(store, model: model, decoder: decoder)
  }

  /// Of an index that is open, with its model.
  init(_ store: IndexStore, model: BLIPModel, decoder: any PictureDecoder = ImageDecoder()) {
    self.decoder = decoder
    self.store = store
    indexed = store.metadata
    self.model = model
  }

  /// The depth that pays for this model and index where the caller names none: the model's own, or
  /// else 32 where patch features are stored and 0 where every candidate would be encoded again.
  package var defaultRerankDepth: Int {
    model.folder.configuration.rerankDepth
      ?? (indexed.features == .none ? 0 : Self.usualRerankDepth)
  }

  /// How many candidates of a query are reranked.
  func rerankDepth(for query: PictureQuery, _ options: SearchOptions) -> Int {
    guard query.expression.canBeReranked else { return 0 }
    return options.rerankDepth
      ?? (options.budget == nil ? defaultDepth(for: query) : Self.greatestRerankDepth)
  }

  /// The depth that pays for a query: phrases may have their own.
  private func defaultDepth(for query: PictureQuery) -> Int {
    (query.isPhrase ? model.folder.configuration.phraseRerankDepth : nil) ?? defaultRerankDepth
  }

  /// Pictures for a query; near-identical ones are one hit unless the options say otherwise: the best of
  /// them, with the others. As many as are wanted are returned, if there are as many different ones.
  ///
  /// Candidates are those with the greatest cosine less hubness, and those that have words of the query or
  /// captions near it (`WordSearch`). The best `rerankDepth` of them go through
  /// ITM, and all are ordered as `HitRanking` says. Patch features come from the index or, where
  /// it stores none, from the picture's file, which is slow; a candidate whose file cannot be read
  /// is not reranked. `minimumMatch` leaves out what has a lower probability, or none. With a budget, as many
  /// are reranked as by measured cost can be in that time since the call, at least one, and at most
  /// `rerankDepth` or 256, BLIP's own depth.
  ///
  /// A query without a text that hits should be like is not reranked; a picture that the index holds then
  /// finds itself.
  package func search(_ query: PictureQuery, _ options: SearchOptions) throws -> [PictureHit] {
    let deadline = options.budget.map { ContinuousClock.now + $0 }
    if !query.expression.canBeReranked { try options.requireForPictures() }
    let vector = try query.vector(model) { try embedding(of: $0) }
    return try store.read { snapshot in
      var search = try plan(query, vector, options, in: snapshot)
      let all = max(try snapshot.pictureCount(), 1)
      if options.collapsesAlike { search.depth.widen(most: all) }
      var candidates = try self.candidates(of: search, in: snapshot)
      try rerank(&candidates, search, deadline: deadline, in: snapshot)
      while true {
        let results = search.depth.results(of: candidates)
        let groups =
          options.collapsesAlike
          ? try alikeGroups(of: results, in: snapshot) : results.map { [$0] }
        if !options.collapsesAlike || groups.count >= options.count
          || results.count < search.depth.count || search.depth.count == all
        {
          return try groups.prefix(options.count).compactMap {
            try hit($0, search, in: snapshot)
          }
        }
        search.depth.widen(most: all)
        candidates += try self.candidates(
          of: search, besides: Set(candidates.map(\.id)), in: snapshot)
      }
    }
  }

  private func plan(
    _ query: PictureQuery, _ vector: [Float], _ options: SearchOptions,
    in snapshot: borrowing IndexSnapshot
  ) throws -> PictureSearch {
    let among = try options.filter.selection(in: snapshot).ids
    // The bank is one of texts: what a picture finds has other cosines.
    let isCorrected = try query.isTextual && snapshot.isHubCorrected()
    let ranking =
      query.isTextual
      ? HitRanking.pictures(
        model.folder.configuration, isPhrase: query.isPhrase, isHubCorrected: isCorrected)
      : HitRanking(calibration: nil, itcWeight: model.folder.configuration.itcWeight)
    let depth = try SearchDepth(
      count: options.count,
      rerank: rerankDepth(for: query, options),
      minimumMatch: options.minimumMatch, isCalibrated: ranking.calibration != nil)
    return PictureSearch(
      query: query, vector: vector, options: options, among: among, isHubCorrected: isCorrected,
      ranking: ranking, words: try words(of: query, vector, among, options, in: snapshot),
      depth: depth)
  }

  /// The candidates of a search but those that are known: the nearest, and those that words bring up, with
  /// what is known of them in words. The likeliest come first.
  private func candidates(
    of search: PictureSearch, besides known: Set<UInt64> = [], in snapshot: borrowing IndexSnapshot
  ) throws -> [RankedCandidate] {
    var candidates = try nearest(search, in: snapshot).filter { !known.contains($0.id) }
      .map { RankedCandidate($0, search.ranking) }
    if let words = search.words {
      try add(words, to: &candidates, besides: known, search, in: snapshot)
    }
    return candidates
  }

  /// Takes the best candidates through ITM.
  private func rerank(
    _ candidates: inout [RankedCandidate], _ search: PictureSearch,
    deadline: ContinuousClock.Instant?, in snapshot: borrowing IndexSnapshot
  ) throws {
    var ranked = candidates
    var budget = RerankBudget(most: min(search.depth.rerank, ranked.count), deadline: deadline)
    while let part = budget.next() {
      try prefetching(
        ranked[part].map(\.id), batch: Self.featuresAtOnce,
        read: { ids in try ids.map { try features(of: $0, in: snapshot) } },
        compute: { [model] features in
          let present = features.compactMap { $0 }
          let matches = present.isEmpty ? [] : try search.query.match(present, model)
          var next = matches.makeIterator()
          return features.map { $0 == nil ? nil : next.next() }
        },
        take: { ids, matches in
          for (index, match) in zip(ids.indices, matches) {
            ranked[part.lowerBound + index].take(match)
          }
        })
    }
    candidates = ranked
  }

  private func nearest(
    _ search: PictureSearch, in snapshot: borrowing IndexSnapshot
  ) throws -> [CorrectedNeighbor] {
    let count = min(search.depth.candidates, max(1, try snapshot.pictureCount()))
    let (isExact, nprobe) = (search.options.isExact, search.options.nprobe)
    if search.isHubCorrected {
      return try snapshot.nearestPicturesLessHubness(
        to: search.vector, count: count, among: search.among, isExact: isExact, nprobe: nprobe)
    }
    return try snapshot.nearestPictures(
      to: search.vector, count: count, among: search.among, isExact: isExact, nprobe: nprobe
    ).map { CorrectedNeighbor(id: $0.id, cosine: $0.score, hubness: 0) }
  }

  /// Patch features as stored or, where the index stores none, of the picture's file; nil where it
  /// cannot be read now.
  private func features(of id: UInt64, in snapshot: borrowing IndexSnapshot) throws -> Matrix? {
    if let stored = try snapshot.features(picture: id) { return stored }
    guard let record = try snapshot.picture(id),
      let picture = try? decoder.picture(
        .file(location(of: record)), forSide: model.folder.preprocessing.imageSize)
    else { return nil }
    return try model.encode(picture).features
  }

  /// The match logits of a text, `[CLS] … [SEP]`, with pictures of the index; nil for one that cannot be
  /// read now.
  package func match(_ tokens: [Int32], pictures: [UInt64]) throws -> [Double?] {
    let features = try store.read { snapshot in
      try pictures.map { try self.features(of: $0, in: snapshot) }
    }
    let present = features.compactMap { $0 }
    var next = (present.isEmpty ? [] : try model.match(text: tokens, features: present))
      .makeIterator()
    return features.map { $0 == nil ? nil : next.next().map { Double($0.match) } }
  }

  func location(of record: PictureRecord) -> [UInt8] {
    indexed.roots.location(of: record.path)
  }

  /// A hit from the best of near-identical candidates, which comes first.
  private func hit(
    _ group: [RankedCandidate], _ search: PictureSearch, in snapshot: borrowing IndexSnapshot
  ) throws -> PictureHit? {
    let candidate = group[0]
    guard let picture = try IndexedPicture(candidate.id, in: snapshot) else { return nil }
    return PictureHit(
      picture: picture, cosine: candidate.cosine, probability: candidate.probability,
      isImprobable: candidate.probability.map { $0 < search.floor } ?? false,
      matchLogit: candidate.match?.match, matchProbability: candidate.match?.probability,
      hubness: search.isHubCorrected ? candidate.hubness : nil,
      evidence: candidate.words?.evidence ?? [], words: candidate.words?.scores,
      alike: try group.dropFirst().compactMap { other in
        try snapshot.picture(other.id).map {
          AlikePicture(id: other.id, $0, of: self.indexed.roots)
        }
      })
  }
}

/// What is looked for in one snapshot of an index.
struct PictureSearch {
  let query: PictureQuery
  /// What the nearest pictures are searched for by.
  let vector: [Float]
  let options: SearchOptions
  /// The pictures that the filter leaves; nil: all.
  let among: Set<UInt64>?
  let isHubCorrected: Bool
  let ranking: HitRanking
  /// What the index knows of the query in words.
  let words: WordSearch?
  var depth: SearchDepth

  /// A less probable hit says that the answer is probably not there. Sums and differences of terms have
  /// other cosines than a text.
  var floor: Float { query.expression.terms.count == 1 ? ranking.calibration?.floor ?? 0 : 0 }
}
