import Store
internal import VectorIndex

extension Searcher {
  /// What the index knows in words of a query; nil where that is nothing, or where it is not asked.
  func words(
    of query: PictureQuery, _ vector: [Float], _ among: Set<UInt64>?, _ options: SearchOptions,
    in snapshot: borrowing IndexSnapshot
  ) throws -> WordSearch? {
    guard options.usesWords, query.isTextual else { return nil }
    return try WordSearch(
      query.judged.map(\.text.text).joined(separator: " "), embedding: vector,
      among: among, in: snapshot)
  }

  /// Adds the candidates that words bring up, but those that are known, and to all of them what is known of
  /// them in words; the likeliest come first.
  func add(
    _ words: WordSearch, to candidates: inout [RankedCandidate], besides known: Set<UInt64>,
    _ search: PictureSearch, in snapshot: borrowing IndexSnapshot
  ) throws {
    // These are few, and all come the first time.
    let added =
      known.isEmpty
      ? try words.pictures(besides: Set(candidates.map(\.id)), search.options, in: snapshot) : []
    for id in added {
      // Terms of a picture that is gone would be damage, which a check tells.
      guard let cosine = try words.cosine(of: id, in: snapshot) else { continue }
      let hubness = search.isHubCorrected ? try snapshot.hubness(of: id) ?? 0 : 0
      candidates.append(
        RankedCandidate(
          CorrectedNeighbor(id: id, cosine: Double(cosine), hubness: hubness), search.ranking))
    }
    let found = try words.scores(of: candidates.map(\.id), in: snapshot)
    for index in candidates.indices { candidates[index].take(found[candidates[index].id]) }
    candidates = ranked(candidates)
  }
}
