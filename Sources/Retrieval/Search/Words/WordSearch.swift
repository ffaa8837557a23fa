internal import Checkpoints
internal import Store
internal import Tensors
internal import TextIndex
internal import VectorIndex

/// What the words that an index knows of pictures say to a text: which pictures have its words, and how near
/// their captions are to it.
struct WordSearch {
  /// Captions that are looked for by their embeddings; pictures that have words of the text.
  private static let candidates = 64

  /// The terms of the text.
  private let terms: [String]
  private let query: [Float]
  private let among: Set<UInt64>?
  private let matches: TextMatches

  /// Nil if no picture of the index has a word of the text, nor a caption that people wrote: then nothing
  /// changes. A word that no caption has makes all pictures less likely to show it.
  init?(
    _ text: String, embedding query: [Float], among: Set<UInt64>?,
    in snapshot: borrowing IndexSnapshot
  ) throws {
    terms = Analyzer().terms(of: text, for: .query)
    guard let matches = try snapshot.textMatches(terms, count: Self.candidates, among: among),
      matches.statistics.has(.caption) || matches.frequencies.values.contains(where: { $0 > 0 })
    else { return nil }
    (self.query, self.among, self.matches) = (query, among, matches)
  }

  /// The pictures that words or captions bring up, besides others.
  /// - Parameter options: How captions are searched.
  func pictures(
    besides known: Set<UInt64>, _ options: SearchOptions, in snapshot: borrowing IndexSnapshot
  ) throws -> [UInt64] {
    var ids = known
    var added: [UInt64] = []
    func add(_ id: UInt64) {
      if among?.contains(id) ?? true, ids.insert(id).inserted { added.append(id) }
    }
    for match in matches.best { add(match.id) }
    let captions = try snapshot.nearestTexts(
      to: query, count: Self.candidates, isExact: options.isExact, nprobe: options.nprobe)
    for caption in captions {
      guard let text = try snapshot.text(caption.id), let picture = text.picture,
        !text.source.isSynthetic
      else { continue }
      add(picture)
    }
    return added
  }

  /// The scores of pictures, and where the words are.
  func scores(of ids: [UInt64], in snapshot: borrowing IndexSnapshot) throws -> [UInt64: Found] {
    let unknown = Set(ids.filter { matches.byID[$0] == nil })
    let others = try snapshot.textMatches(terms, count: 0, scoring: unknown)?.byID ?? [:]
    var found: [UInt64: Found] = [:]
    for id in ids {
      let match = matches.byID[id] ?? others[id]
      found[id] = Found(
        scores: WordCalibration.Scores(
          score: match?.score ?? 0, coverage: match?.coverage ?? 0, rarest: match?.rarest ?? 0,
          caption: try captionCosine(of: id, in: snapshot)),
        evidence: match?.fields.fields.map(Evidence.init) ?? [])
    }
    return found
  }

  /// The cosine of a picture; nil where there is none.
  func cosine(of picture: UInt64, in snapshot: borrowing IndexSnapshot) throws -> Float? {
    try snapshot.embedding(picture: picture).map { dot(query, $0) }
  }

  /// What is known of a picture.
  struct Found {
    let scores: WordCalibration.Scores
    let evidence: [Evidence]
  }

  /// The greatest cosine of the query and a caption that a person wrote; nil without one.
  private func captionCosine(of picture: UInt64, in snapshot: borrowing IndexSnapshot) throws
    -> Float?
  {
    var greatest: Float?
    for (id, caption) in try snapshot.textRecords(of: picture) where !caption.source.isSynthetic {
      guard let embedding = try snapshot.embedding(text: id) else { continue }
      greatest = max(greatest ?? -1, dot(query, embedding))
    }
    return greatest
  }
}
