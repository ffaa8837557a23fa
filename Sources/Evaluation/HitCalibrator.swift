internal import BLIP
internal import Captions
internal import Files
internal import RankingMetrics
internal import Retrieval
internal import Store
internal import Tensors

/// Fits how likely hits are right on the first hits of queries whose answers are known: of every picture a
/// whole caption and short phrases out of two others as queries for pictures, and the picture as a query
/// for captions. Right are the query's own picture or captions, and those that have all its words.
///
/// People look with a short phrase for what a collection has much of, so a phrase is one that is right for
/// some pictures. (Of the phrases of Flickr8k's captions, half are right for one or two of 1,000 pictures;
/// fitted on all of them, everyday queries get probabilities that are 15 points too low.)
///
/// Fitted on every second picture's queries, measured on the others'.
struct HitCalibrator: Sendable {
  private let set: CaptionedSet
  private let searcher: Searcher
  /// The pictures' numbers in the index.
  private let ids: [UInt64]
  private let words: CaptionWords

  /// How many hits of a query are looked at.
  static let depth = 32

  /// - Parameter searcher: Of an index that contains the set's pictures with their patch features and
  ///   captions.
  init(_ set: CaptionedSet, _ searcher: Searcher) throws {
    (self.set, self.searcher) = (set, searcher)
    words = CaptionWords(set)
    ids = try searcher.store.read { snapshot in
      let roots = snapshot.metadata.roots
      let paths = set.locations.map { roots.storedPath(ofLocation: $0) }
      return try zip(set.pictures, paths).map { picture, path in
        guard let path, let id = try snapshot.pictureID(path: path) else {
          throw RetrievalError(
            "\(printable(picture.path)) is not in the index \(searcher.store.path)")
        }
        return id
      }
    }
  }

  /// The calibration and how good it is; nil if `shouldStop` ended it.
  /// - Parameter report: Called with the number of queries that are done, and of all.
  func run(
    shouldStop: @escaping @Sendable () -> Bool, report: (Int, Int) -> Void
  ) async throws -> CalibrationReport? {
    // There are many queries: each thread takes some of them.
    setComputeThreads(1)
    defer { setComputeThreads(processors) }
    let jobs = queries()
    var results: [(query: Query, hits: [LabelledHit])] = []
    let isWhole = try await concurrentMap(
      jobs, inFlight: processors + 1, shouldStop: shouldStop,
      work: { query in (query, try hits(of: query)) },
      take: { result in
        results.append(result)
        report(results.count, jobs.count)
      })
    guard isWhole else { return nil }
    let isHubCorrected = try searcher.store.read { try $0.isHubCorrected() }
    func lists(_ isIncluded: (String?) -> Bool) -> Lists {
      Lists(results.filter { isIncluded($0.query.text) })
    }
    return try CalibrationReport(
      sentences: lists { $0.map { !TextQuery.isPhrase($0) } ?? false },
      phrases: lists { $0.map(TextQuery.isPhrase) ?? false }, texts: lists { $0 == nil },
      isHubCorrected: isHubCorrected)
  }

  /// Something whose answers are known.
  struct Query: Sendable {
    /// The picture that it is of.
    let picture: Int
    /// Nil: the picture itself, which finds texts.
    let text: String?
  }

  /// The hits of queries: those to fit on, and those to measure with.
  struct Lists {
    let fitted, measured: [[LabelledHit]]

    init(fitted: [[LabelledHit]], measured: [[LabelledHit]]) {
      (self.fitted, self.measured) = (fitted, measured)
    }

    init(_ results: [(query: Query, hits: [LabelledHit])]) {
      // In an order that does not depend on the threads.
      let sorted = results.sorted {
        ($0.query.picture, $0.query.text ?? "") < ($1.query.picture, $1.query.text ?? "")
      }
      fitted = sorted.filter { $0.query.picture.isMultiple(of: 2) }.map(\.hits)
      measured = sorted.filter { !$0.query.picture.isMultiple(of: 2) }.map(\.hits)
    }
  }

  private func queries() -> [Query] {
    set.pictures.enumerated().flatMap { index, picture in
      let caption = picture.captions[index % picture.captions.count]
      let texts = Set([caption] + phrases(ofPicture: index)).sorted()
      return texts.map { Query(picture: index, text: $0) } + [Query(picture: index, text: nil)]
    }
  }

  /// Phrases of two captions of a picture, if they are right for enough pictures.
  private func phrases(ofPicture index: Int) -> [String] {
    let captions = set.pictures[index].captions
    return (1...2).compactMap { offset in
      let all = KeyPhrases.phrases(of: captions[(index + offset) % captions.count])
      guard !all.isEmpty else { return nil }
      let phrase = all[index % all.count]
      return words.isRightForEnough(phrase) ? phrase : nil
    }
  }

  private func hits(of query: Query) throws -> [LabelledHit] {
    var options = SearchOptions(count: Self.depth, rerankDepth: Self.depth, isExact: true)
    options.collapsesAlike = false
    options.usesWords = false
    guard let text = query.text else {
      let path = set.pictures[query.picture].path
      let own = words.contents[query.picture]
      return try searcher.match(.file(joined(set.root, path)), options).compactMap { hit in
        let isRight =
          hit.path == printable(path) || KeyPhrases.contents(of: hit.text).isSubset(of: own)
        return hit.matchLogit.map {
          LabelledHit(match: Double($0), cosine: Double(hit.cosine), isRight: isRight)
        }
      }
    }
    guard let tokens = try? TextQuery(text, model: searcher.model) else { return [] }
    let right = Set(words.pictures(withAllOf: text).union([query.picture]).map { ids[$0] })
    return try searcher.search(PictureQuery(tokens), options).compactMap { hit in
      hit.matchLogit.map {
        LabelledHit(
          match: Double($0), cosine: Double(hit.cosine - (hit.hubness ?? 0)),
          isRight: right.contains(hit.id))
      }
    }
  }
}
