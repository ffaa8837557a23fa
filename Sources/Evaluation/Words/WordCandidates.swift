internal import Captions
internal import Checkpoints
internal import Random
internal import Tensors
internal import TextIndex
internal import VectorIndex

/// Which captions of a picture are its own: what the index knows of it.
enum OwnCaptions {
  /// One of those that are not held out, drawn at random: people write one or none.
  case one
  /// All that are not held out.
  case all
}

/// Finds candidates as a search does, among the pictures of a set and their own captions.
struct WordCandidates {
  /// As many as a search takes of each kind.
  private static let nearest = 32
  private static let byWords = 64

  private let encoded: EncodedSet
  private let words = InMemoryTextIndex()
  /// The terms of each caption of each picture that is not its own: they tell what is right. Its own would
  /// make right whatever has all words.
  private let terms: [[Set<String>]]
  /// The own captions, by their places among all.
  private let captions: [Int]

  init(
    _ set: CaptionedSet, _ encoded: EncodedSet, without heldOut: HeldOutCaptions, own: OwnCaptions
  ) throws {
    self.encoded = encoded
    let analyzer = Analyzer()
    var random = SplitMix64(seed: 1)
    var changes: [UInt64: TextChange] = [:]
    var terms: [[Set<String>]] = []
    var captions: [Int] = []
    for (picture, place) in heldOut.places.enumerated() {
      let all = set.pictures[picture].captions.map { analyzer.terms(of: $0, for: .index) }
      var known = all.indices.filter { $0 != place }
      if own == .one { known = known.randomElement(using: &random).map { [$0] } ?? [] }
      changes[UInt64(picture)] = TextChange(
        old: nil, new: TextDocument([.caption: known.flatMap { all[$0] }]))
      terms.append(all.indices.filter { !known.contains($0) }.map { Set(all[$0]) })
      captions += known.map { encoded.textsOfPicture[picture].lowerBound + $0 }
    }
    try words.apply(changes)
    (self.terms, self.captions) = (terms, captions)
  }

  /// What a search finds.
  func answer(to query: WordQuery) throws -> WordAnswer {
    var nearest = TopK(capacity: Self.nearest)
    let cosines = encoded.pictures.enumerated().map { picture, embedding in
      Double(dot(query.embedding, embedding)) - Double(encoded.hubness?[picture] ?? 0)
    }
    for (picture, cosine) in cosines.enumerated() {
      nearest.insert(Neighbor(id: UInt64(picture), score: cosine))
    }
    var nearestCaptions = TopK(capacity: Self.byWords)
    var captionCosines = [Float?](repeating: nil, count: cosines.count)
    for caption in captions {
      let cosine = dot(query.embedding, encoded.texts[caption])
      let picture = encoded.owner[caption]
      captionCosines[picture] = max(captionCosines[picture] ?? -1, cosine)
      nearestCaptions.insert(Neighbor(id: UInt64(caption), score: Double(cosine)))
    }
    let matches = try words.search(
      query.terms, count: Self.byWords, scoring: Set(cosines.indices.map(UInt64.init)))
    let found = Set(
      nearest.sorted().map { Int($0.id) } + matches.best.map { Int($0.id) }
        + nearestCaptions.sorted().map { encoded.owner[Int($0.id)] })
    let wanted = Set(query.terms)
    let hits = found.sorted().map { picture in
      let match = matches.byID[UInt64(picture)]
      return WordHit(
        picture: picture, cosine: cosines[picture],
        scores: WordCalibration.Scores(
          score: match?.score ?? 0, coverage: match?.coverage ?? 0, rarest: match?.rarest ?? 0,
          caption: captionCosines[picture]),
        isRight: picture == query.picture || terms[picture].contains { wanted.isSubset(of: $0) },
        isOwn: picture == query.picture)
    }
    return WordAnswer(
      query: query, hits: hits,
      rankByWords: matches.best.firstIndex { $0.id == UInt64(query.picture) })
  }
}
