internal import BLIP
internal import Captions
internal import Checkpoints
internal import Retrieval
internal import Tensors
internal import TextIndex
internal import VectorIndex

/// Which caption of each picture is held out.
struct HeldOutCaptions {
  private let set: CaptionedSet
  /// The caption of each picture that is held out; nil where none is.
  let places: [Int?]

  /// At most so many pictures, evenly distributed, of those that have more than one caption.
  init(_ set: CaptionedSet, most: Int) {
    self.set = set
    let several = set.pictures.indices.filter { set.pictures[$0].captions.count > 1 }
    let count = min(most, several.count)
    var places = [Int?](repeating: nil, count: set.pictures.count)
    for number in 0..<count {
      let picture = several[number * several.count / count]
      places[picture] = set.pictures[picture].captions.count - 1
    }
    self.places = places
  }

  /// The captions that are held out and, of each, a phrase.
  func queries(_ encoded: EncodedSet, _ model: BLIPModel) throws -> [WordQuery] {
    let held = places.enumerated().compactMap { picture, place in place.map { (picture, $0) } }
    let analyzer = Analyzer()
    var queries: [WordQuery] = []
    for (number, (picture, place)) in held.enumerated() {
      let text = encoded.textsOfPicture[picture].lowerBound + place
      let caption = set.pictures[picture].captions[place]
      queries.append(
        WordQuery(
          number: number, picture: picture, isCaption: true,
          isPhrase: TextQuery.isPhrase(caption),
          terms: analyzer.terms(of: caption, for: .query), tokens: encoded.tokens[text],
          embedding: encoded.texts[text]))
      let phrases = KeyPhrases.phrases(of: caption)
      guard !phrases.isEmpty else { continue }
      let phrase = phrases[number % phrases.count]
      let tokens = model.tokens(of: phrase)
      queries.append(
        WordQuery(
          number: number, picture: picture, isCaption: false, isPhrase: true,
          terms: analyzer.terms(of: phrase, for: .query), tokens: tokens,
          embedding: try model.embed(texts: [tokens])[0]))
    }
    // Without a word that counts, words say nothing to a query.
    return queries.filter { !$0.terms.isEmpty && $0.tokens.count > 2 }
  }
}

/// A text whose answers are known.
struct WordQuery: Sendable {
  /// Of its picture among those with a caption held out.
  let number: Int
  /// The picture that it is of, by its place in the set.
  let picture: Int
  /// Whether it is a whole caption, and whether it is short.
  let isCaption, isPhrase: Bool
  let terms: [String]
  /// `[CLS] … [SEP]`
  let tokens: [Int32]
  let embedding: [Float]
}

/// A hit with all that is known of it.
struct WordHit: Sendable {
  /// By its place in the set.
  let picture: Int
  /// The cosine, less the hubness where searches are corrected for it.
  let cosine: Double
  /// Set where it was reranked.
  var match: Double?
  let scores: WordCalibration.Scores
  /// Whether it is an answer, and whether it is the query's own picture.
  let isRight, isOwn: Bool
}

/// What a search by pictures and words finds for a query.
struct WordAnswer: Sendable {
  let query: WordQuery
  var hits: [WordHit]
  /// The rank of the query's picture by words alone; nil where it is not among the best 64.
  let rankByWords: Int?

  /// The greatest first, ties by the picture.
  mutating func sort(by score: (WordHit) -> Double) {
    let scored = hits.map { (hit: $0, score: score($0)) }
    hits = scored.sorted {
      $0.score != $1.score ? $0.score > $1.score : $0.hit.picture < $1.hit.picture
    }.map(\.hit)
  }
}

/// Finds candidates as a search does, among the pictures of a set and all their captions but those that are
/// held out.
struct WordCandidates {
  /// As many as a search takes of each kind.
  private static let nearest = 32
  private static let byWords = 64

  private let encoded: EncodedSet
  private let words = InMemoryTextIndex()
  /// The terms of each caption of each picture, also of the one that is held out.
  private let terms: [[Set<String>]]
  /// The captions, by their places among all, that are not held out.
  private let captions: [Int]

  init(_ set: CaptionedSet, _ encoded: EncodedSet, without heldOut: HeldOutCaptions) throws {
    self.encoded = encoded
    let analyzer = Analyzer()
    var changes: [UInt64: TextChange] = [:]
    var terms: [[Set<String>]] = []
    var captions: [Int] = []
    for (picture, place) in heldOut.places.enumerated() {
      let all = set.pictures[picture].captions.map { analyzer.terms(of: $0, for: .index) }
      let own = all.indices.filter { $0 != place }
      changes[UInt64(picture)] = TextChange(
        old: nil, new: TextDocument([.caption: own.flatMap { all[$0] }]))
      terms.append(all.map { Set($0) })
      captions += own.map { encoded.textsOfPicture[picture].lowerBound + $0 }
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
