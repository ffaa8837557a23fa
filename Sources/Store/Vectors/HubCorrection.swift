internal import LMDB
internal import VectorIndex

/// A picture with its cosine to a text, and how near it is to texts in general.
package struct CorrectedNeighbor: Sendable, Equatable {
  package let id: UInt64
  package let cosine: Double
  package let hubness: Float

  /// What orders pictures: cross-domain similarity local scaling (Conneau et al. 2018, section 2.3), less
  /// what is the same for all pictures. A few pictures, the hubs, are otherwise found by every text.
  package var score: Double { cosine - Double(hubness) }

  /// A picture with what is known of it.
  package init(id: UInt64, cosine: Double, hubness: Float) {
    (self.id, self.cosine, self.hubness) = (id, cosine, hubness)
  }
}

extension IndexSnapshot {
  /// How many candidates are compared at most, unless an exact search is asked for.
  private static let mostCandidates = 4096

  /// The texts that the pictures' hubness is of, by a digest; nil if they have none.
  package func textBank() throws -> String? {
    try MetadataTable.textBank(tables.meta, in: transaction)
  }

  /// Whether every picture has a hubness, so that searches are corrected for it.
  package func isHubCorrected() throws -> Bool {
    guard let hubness = tables.hubness else { return false }
    let count = try hubness.statistics(in: transaction).entries
    return try count > 0 && count == pictureCount()
  }

  /// The pictures without a hubness, by id.
  package func picturesWithoutHubness() throws -> [UInt64] {
    if try isHubCorrected() { return [] }
    var ids: [UInt64] = []
    try tables.pictures.forEachBytes(in: transaction) { id, _ in
      if try tables.hubness?.contains(id, in: transaction) != true { ids.append(id) }
    }
    return ids
  }

  /// A picture's hubness; nil if it has none.
  package func hubness(of picture: UInt64) throws -> Float? {
    try tables.hubness?.get(picture, in: transaction)
  }

  /// The pictures with the greatest cosine less hubness, best first, ties by id.
  ///
  /// More and more of the nearest by cosine are compared, until none of the others can be among the best:
  /// their cosines are no greater than the last one's, and no picture has less than the least hubness. The
  /// options are those of `nearestPictures`, and the result is as exact.
  package func nearestPicturesLessHubness(
    to query: [Float], count: Int, among ids: Set<UInt64>? = nil, isExact: Bool = false,
    nprobe: Int? = nil
  ) throws -> [CorrectedNeighbor] {
    guard let least = try MetadataTable.leastHubness(tables.meta, of: path, in: transaction) else {
      throw RetrievalError.damaged(path, "meta has no least hubness")
    }
    let most = isExact ? Int.max : max(Self.mostCandidates, 4 * count)
    var fetched = max(4 * count, 256)
    while true {
      let nearest = try nearestPictures(
        to: query, count: fetched, among: ids, isExact: isExact, nprobe: nprobe)
      var corrected = try nearest.map { try self.corrected($0) }
      corrected.sort { $0.score != $1.score ? $0.score > $1.score : $0.id < $1.id }
      let best = Array(corrected.prefix(count))
      if nearest.count < fetched || fetched >= most { return best }
      if let last = nearest.last, let worst = best.last, best.count == count,
        worst.score > last.score - Double(least)
      {
        return best
      }
      // Few queries come here; a second search suffices, unless an exact one is asked for.
      fetched = min(16 * fetched, most)
    }
  }

  private func corrected(_ neighbor: Neighbor) throws -> CorrectedNeighbor {
    guard let hubness = try hubness(of: neighbor.id) else {
      throw RetrievalError.damaged(path, "picture \(neighbor.id) has no hubness")
    }
    return CorrectedNeighbor(id: neighbor.id, cosine: neighbor.score, hubness: hubness)
  }
}
