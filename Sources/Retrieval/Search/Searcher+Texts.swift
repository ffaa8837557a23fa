import BLIP
import Checkpoints
internal import Files
import Images
import Store
internal import VectorIndex

extension Searcher {
  /// Texts of the index for a picture: candidates by cosine, the best `rerankDepth` through ITM.
  /// Without a depth it is the model's own, or else 32: the picture is encoded once for all.
  ///
  /// Equal texts are one hit. Those that a model generated come after those that people wrote.
  package func match(_ picture: PictureSource, _ options: SearchOptions) throws -> [TextHit] {
    try options.requireForTexts()
    let ranking = HitRanking.texts(model.folder.configuration)
    let depth = try SearchDepth(
      count: options.count,
      rerank: options.rerankDepth ?? model.folder.configuration.rerankDepth
        ?? Self.usualRerankDepth,
      minimumMatch: options.minimumMatch, isCalibrated: ranking.calibration != nil)
    guard try store.read({ try $0.textCount() }) > 0 else {
      throw RetrievalError(
        .noTexts,
        "the index \(store.path) holds no texts to match; index with a captions file, or put"
          + " picture.txt beside picture.png")
    }
    let encoding = try self.encoding(of: picture)
    return try store.read { snapshot in
      let found = try nearestTexts(to: encoding.embedding, depth.candidates, options, in: snapshot)
      var candidates = found.map { RankedCandidate($0.neighbor, ranking) }
      let reranked = min(depth.rerank, candidates.count)
      let matches = try model.match(
        texts: found.prefix(reranked).map { model.tokens(of: $0.text) },
        features: encoding.features)
      for (index, match) in matches.enumerated() { candidates[index].take(match) }
      let texts = Dictionary(uniqueKeysWithValues: zip(candidates.map(\.id), found))
      let hits = try depth.results(of: candidates).map { candidate in
        try hit(candidate, texts[candidate.id]!, in: snapshot)
      }
      return hits.filter { !$0.isGenerated } + hits.filter(\.isGenerated)
    }
  }

  /// Given texts for a picture.
  func match(_ picture: PictureSource, texts: [String]) throws -> [TextHit] {
    let texts = try texts.map { try TextQuery($0, model: model) }
    return try Retrieval.match(encoding(of: picture), texts: texts, model: model)
  }

  /// Equal texts of the index.
  private struct FoundText {
    let text: String
    /// The first of them.
    let neighbor: Neighbor
    /// All of them.
    var records: [TextRecord]
  }

  /// So many different texts, or all that there are, the nearest first.
  private func nearestTexts(
    to query: [Float], _ count: Int, _ options: SearchOptions, in snapshot: borrowing IndexSnapshot
  ) throws -> [FoundText] {
    let all = try snapshot.textCount()
    var wanted = min(count + 1, all)
    while true {
      var found: [FoundText] = []
      var places: [String: Int] = [:]
      let neighbors = try snapshot.nearestTexts(
        to: query, count: wanted, isExact: options.isExact, nprobe: options.nprobe)
      for neighbor in neighbors {
        guard let record = try snapshot.text(neighbor.id) else {
          throw RetrievalError.damaged(store.path, "text \(neighbor.id) is lost")
        }
        if let place = places[record.text] {
          found[place].records.append(record)
        } else {
          places[record.text] = found.count
          found.append(FoundText(text: record.text, neighbor: neighbor, records: [record]))
        }
      }
      // Equal texts are equally near: behind another text there is none of them.
      if found.count > count || wanted >= all || neighbors.count < wanted {
        return Array(found.prefix(count))
      }
      wanted = min(2 * wanted, all)
    }
  }

  private func hit(
    _ candidate: RankedCandidate, _ text: FoundText, in snapshot: borrowing IndexSnapshot
  ) throws -> TextHit {
    var paths: [[UInt8]] = []
    for record in text.records {
      guard let picture = try record.picture.flatMap({ try snapshot.picture($0) }) else { continue }
      let name = snapshot.metadata.roots.name(of: picture.path)
      if !paths.contains(name) { paths.append(name) }
    }
    return TextHit(
      id: candidate.id, text: text.text, path: paths.first.map { printable($0) },
      pathBytes: paths.first, otherPathBytes: Array(paths.dropFirst()),
      isGenerated: text.records.allSatisfy(\.source.isSynthetic), cosine: candidate.cosine,
      probability: candidate.probability, matchLogit: candidate.match?.match,
      matchProbability: candidate.match?.probability)
  }
}
